import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { assertClose } from '../../../test/support/close.ts';
import { CROSS, tinyUNets, withTinyModel } from '../../../test/support/tiny-model.ts';
import { kernelsOf } from '../../backends/devices/kernels.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import type { Network } from '../../graph/network.ts';
import { float32 } from '../../graph/tensor.ts';
import type { Model } from '../../models/model.ts';
import { gaussianNoise } from '../../noise.ts';
import { signalToNoise } from '../../numbers.ts';
import { type DeviceStorage, featuresOf } from '../../regions/features.ts';
import type { Mask } from '../../regions/mask.ts';
import { bytesOf, FeatureStore, type Features } from '../../regions/store.ts';
import { Components } from '../components.ts';
import { passBytes } from '../forms/rows-memory.ts';
import { takePositions } from '../latents.ts';
import { KeptFeatures } from './kept-features.ts';

const CONFIG = {
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: CROSS,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};
const [HEIGHT, WIDTH] = [6, 10];
const SIZE = HEIGHT * WIDTH;
const EXTENT = { height: HEIGHT, width: WIDTH, batch: 2, tokens: 5 };
const CONDITION = { text: float32(gaussianNoise(1, 99, 2 * 5 * CROSS), [2, 5, CROSS]), guidance: 1.5 };

/** A rectangle of the latent. */
function mask(top: number, left: number, height: number, width: number) {
  const data = new Uint8Array(SIZE);
  for (let y = top; y < top + height; y++) data.fill(1, y * WIDTH + left, y * WIDTH + left + width);
  return { height: HEIGHT, width: WIDTH, data };
}

/** An image is recorded, a part of it edited, and then another part of the result. */
async function edits(model: Model, keepsFeatures: boolean) {
  const real = new NodeBackend(1);
  const backend = Object.assign(real, { can: { ...real.can, ...kernelsOf('webgpu') } });
  const components = new Components(model, backend, 1, { keepsFeatures });
  // With its storage given, a small network takes recorded moments too; see `UNetForms.editing`.
  const denoiser = components.denoiser({ precision: 'fp32' }, keepsFeatures ? {} : { storage: 'float32' });
  try {
    const whole = await denoiser.plan({ of: 'whole', height: HEIGHT, width: WIDTH, records: true }, 2);
    const sample = gaussianNoise(2, 0, 4 * SIZE);
    const dense = await denoiser.predict(whole, sample, 300, CONDITION, { record: true });
    const outputs = [dense.output];
    let seen: Features = dense.features!;
    for (const [i, region] of [
      mask(1, 2, 3, 4),
      mask(0, 0, 6, 10),
      mask(0, 5, 6, 3),
      mask(2, 0, 1, 10),
    ].entries()) {
      const plan = await denoiser.plan({ of: 'region', mask: region, ring: 0 }, 2);
      const part = gaussianNoise(3 + i, 0, 4 * plan.positions!.length);
      const options = { seen, record: true };
      const { output, features } = await denoiser.predict(plan, part, 300, CONDITION, options);
      outputs.push(output);
      seen = (await denoiser.updated(seen, plan, features!))!;
    }
    assert.equal(seen instanceof KeptFeatures, keepsFeatures);
    return { outputs, seen };
  } finally {
    await components.release();
  }
}

test('edits with features on the device are those with features in main memory', () =>
  withTinyModel(CONFIG, async (model) => {
    const [kept, held] = [await edits(model, true), await edits(model, false)];
    for (const [i, output] of held.outputs.entries()) assertClose(kept.outputs[i]!, output, 1e-5);
  }));

test('features that the store has dropped are freed when they are swept, and shared ones stay', () =>
  withTinyModel(CONFIG, async (model) => {
    const { seen } = await edits(model, true);
    const store = new FeatureStore(1e9);
    store.put({ picture: 'a', timestep: 1 }, seen);
    store.put({ picture: 'b', timestep: 1 }, seen);
    const [piece] = (seen as KeptFeatures).pieces();
    store.drop('a');
    store.sweep();
    await piece!.read();
    store.drop('b');
    await piece!.read();
    store.sweep();
    await assert.rejects(piece!.read(), /released/);
  }));

/**
 * A step with WebGPU's operators, whose features are recorded in a storage: as it is, edited without a change and with one,
 * and edited again below that.
 */
async function recorded(model: Model, storage: DeviceStorage, precision: 'fp32' | 'fp16', top: number) {
  const real = new NodeBackend(1);
  const backend = Object.assign(real, { can: { ...real.can, ...kernelsOf('webgpu') } });
  const components = new Components(model, backend, 1, { keepsFeatures: true });
  const denoiser = components.denoiser({ precision }, { storage });
  try {
    const whole = await denoiser.plan({ of: 'whole', height: HEIGHT, width: WIDTH, records: true }, 2);
    const sample = gaussianNoise(2, 0, 4 * SIZE);
    const dense = await denoiser.predict(whole, sample, 300, CONDITION, { record: true });
    const edit = async (seen: Features, region: Mask, from: Float32Array) => {
      const plan = await denoiser.plan({ of: 'region', mask: region, ring: 0 }, 2);
      const part = takePositions(from, SIZE, plan.positions!);
      const { output, features } = await denoiser.predict(plan, part, 300, CONDITION, { seen, record: true });
      return { output, plan, updated: (await denoiser.updated(seen, plan, features!))! };
    };
    const other = gaussianNoise(3, 0, 4 * SIZE);
    const same = await edit(dense.features!, mask(top, 2, 2, 5), sample);
    const changed = await edit(dense.features!, mask(top, 2, 2, 5), other);
    const again = await edit(changed.updated, mask(top + 1, 0, 2, 4), other);
    const kept = dense.features as KeptFeatures;
    return {
      bytes: bytesOf(kept),
      rowBytes: rowBytesOf(components.network('denoiser'), kept),
      plannedBytes: passBytes(components.network('denoiser'), EXTENT, storage),
      before: takePositions(dense.output, SIZE, same.plan.positions!),
      same: same.output,
      edits: [changed.output, again.output],
    };
  } finally {
    await components.release();
  }
}

/** Bytes of recorded rows, without moments. */
function rowBytesOf(network: Network, { tensors }: KeptFeatures): number {
  const moments = featuresOf(network).flatMap((feature) =>
    feature.kind === 'moments' ? [feature.name, feature.scale, feature.offset] : [],
  );
  const rows = [...tensors].filter(([name]) => !moments.includes(name));
  return rows.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
}

/** Least decibels of an edit, and most bytes for each that float32 takes: moments stay float32, rows of bytes have scales. */
const LIMITS = { float16: { decibels: 60, share: 0.6 }, uint8: { decibels: 35, share: 0.45 } } as const;

for (const storage of ['float16', 'uint8'] as const)
  for (const precision of ['fp32', 'fp16'] as const)
    test(`in ${precision} with features as ${storage}, edits are near those with float32, and no change gives what was recorded`, () =>
      fc.assert(
        fc.asyncProperty(tinyUNets, fc.integer({ min: 0, max: 3 }), (config, top) =>
          withTinyModel(config, async (model) => {
            const reduced = await recorded(model, storage, precision, top);
            const exact = await recorded(model, 'float32', precision, top);
            const { decibels, share } = LIMITS[storage];
            assert.ok(reduced.bytes <= share * exact.bytes, `${reduced.bytes} of ${exact.bytes} bytes`);
            assert.equal(reduced.rowBytes, reduced.plannedBytes, 'the memory plan counts what is kept');
            assert.ok(signalToNoise(reduced.same, reduced.before) >= decibels);
            for (const [i, output] of reduced.edits.entries()) {
              const reached = signalToNoise(output, exact.edits[i]!);
              assert.ok(reached >= decibels, `${reached} dB`);
            }
          }),
        ),
        { numRuns: 4 },
      ));
