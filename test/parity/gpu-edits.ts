/**
 * Records an image and edits it twice, on the software GPU and on the processor; prints the largest errors as JSON. On the
 * GPU convolutions are computed as rows, then as rectangles, then as rows with features in bytes.
 */

import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import { Components } from '../../engine/execution/components.ts';
import { relativeError } from '../../engine/execution/device-check/error.ts';
import type { RowsOptions } from '../../engine/execution/forms/form.ts';
import { KeptFeatures } from '../../engine/execution/unet/kept-features.ts';
import { float32 } from '../../engine/graph/tensor.ts';
import type { Model } from '../../engine/models/model.ts';
import { gaussianNoise } from '../../engine/noise.ts';
import type { Features } from '../../engine/regions/store.ts';
import { CROSS, smallUNet, withTinyModel } from '../support/tiny-model.ts';

const CONFIG = { ...smallUNet(), mid_block_type: null };
const [HEIGHT, WIDTH] = [6, 10];
const SIZE = HEIGHT * WIDTH;
const TIMESTEP = 300;
const CONDITION = { text: float32(gaussianNoise(1, 99, 2 * 5 * CROSS), [2, 5, CROSS]), guidance: 1.5 };

function rows(from: number, to: number) {
  const data = new Uint8Array(SIZE).fill(1, from * WIDTH, to * WIDTH);
  return { height: HEIGHT, width: WIDTH, data };
}

async function outputs(
  model: Model,
  backend: NodeBackend,
  change: Partial<RowsOptions> = {},
): Promise<Float32Array[]> {
  const keepsFeatures = backend.device !== 'cpu';
  const components = new Components(model, backend, 1, { keepsFeatures });
  // With its storage given, the processor too takes recorded moments for small networks; see `UNetForms.editing`.
  const denoiser = components.denoiser(
    { precision: 'fp32' },
    keepsFeatures ? change : { storage: 'float32' },
  );
  let seen: Features | undefined;
  try {
    const noise = gaussianNoise(2, 0, 4 * SIZE);
    const size = { of: 'whole', height: HEIGHT, width: WIDTH } as const;
    const planar = await denoiser.predict(await denoiser.plan(size, 2), noise, TIMESTEP, CONDITION);
    const whole = await denoiser.plan({ ...size, records: true }, 2);
    const dense = await denoiser.predict(whole, noise, TIMESTEP, CONDITION, { record: true });
    const all = [planar.output, dense.output];
    seen = dense.features!;
    for (const mask of [rows(1, 3), rows(2, 5)]) {
      const plan = await denoiser.plan({ of: 'region', mask, ring: 0 }, 2);
      const part = gaussianNoise(3, 0, 4 * plan.positions!.length);
      const { output, features } = await denoiser.predict(plan, part, TIMESTEP, CONDITION, {
        seen,
        record: true,
      });
      all.push(output);
      seen = (await denoiser.updated(seen, plan, features!))!;
    }
    if (seen instanceof KeptFeatures !== keepsFeatures)
      throw new Error('the features are not where they belong');
    return all;
  } finally {
    await components.release();
    // Freed with the network; freeing one after it would end the process.
    for (const piece of seen?.pieces() ?? []) piece.release?.();
  }
}

await withTinyModel(CONFIG, async (model) => {
  const expected = await outputs(model, new NodeBackend(1));
  const gpu = new DeviceBackend('webgpu', { name: 'software', wrong: ['MultiHeadAttention'] });
  const errors = (actual: readonly Float32Array[]) =>
    actual.map((output, i) => relativeError(output, expected[i]!));
  const [rows, rectangles, bytes] = [{}, { rectangles: [0, 1] }, { storage: 'uint8' }] as const;
  const all = [];
  for (const change of [rows, rectangles, bytes]) all.push(errors(await outputs(model, gpu, change)));
  console.log(JSON.stringify(all));
});
