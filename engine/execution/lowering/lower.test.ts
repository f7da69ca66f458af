import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { NodeBackend } from '../../backends/node/backend.ts';
import { floats, int64, type Tensor } from '../../graph/tensor.ts';
import { readJson } from '../../json.ts';
import { type NetworkRole, networkOf, placeOf } from '../../models/networks.ts';
import { textInputs } from '../../networks/clip-text.ts';
import { Reference } from '../../verification/reference.ts';
import { openWeights } from '../../weights/folder.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { PLANAR } from '../forms/form.ts';
import type { OnnxBackend } from './onnx-backend.ts';

const FOLDERS = path.join(import.meta.dirname, '../../../test/fixtures/parity');

/** A device that has ONNX's own operators only. */
function plainBackend(): OnnxBackend {
  const real = new NodeBackend(1);
  const can = { ...real.can, operator: (_: string, domain = '') => domain === '', opset: 20 };
  return Object.assign(real, { can });
}

async function outputsOf(
  backend: OnnxBackend,
  folder: string,
  role: NetworkRole,
  inputs: Record<string, Tensor>,
) {
  const place = path.join(FOLDERS, folder, placeOf(role).folder);
  const config = path.join(place, 'config.json');
  const network = networkOf(role, await readJson(config), config);
  const weights = new WeightTable(network, await openWeights(place, placeOf(role).stem));
  const program = await backend.compile(network, weights, PLANAR);
  try {
    return await program.run(inputs);
  } finally {
    await program.release();
  }
}

function assertClose(actual: Record<string, Tensor>, expected: Record<string, Tensor>): void {
  for (const name of Object.keys(expected)) {
    const [a, b] = [floats(actual, name), floats(expected, name)];
    const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0);
    assert.ok(error <= 1e-4 * largest, `${name} differs by ${error} of ${largest}`);
  }
}

for (const folder of ['tiny-sd15', 'tiny-sd21-v-fp16', 'tiny-sdxl'])
  test(`${folder}: the same numbers from a device that has ONNX's own operators only`, async () => {
    const expected = await Reference.open(path.join(FOLDERS, folder, 'expected.safetensors'));
    const ids = await expected.integers('text.input_ids');
    const config = path.join(FOLDERS, folder, 'text_encoder', 'config.json');
    const encoder = networkOf('text-encoder', await readJson(config), config);
    const text = textInputs(encoder, int64(ids, expected.shape('text.input_ids')));
    const given: Record<string, Tensor> = {
      timestep: { type: 'float32', data: Float32Array.of(250), dims: [1, 1] },
    };
    for (const name of ['sample', 'encoder_hidden_states', 'text_embeds', 'time_ids'])
      if (expected.has(`unet.${name}`)) given[name] = await expected.tensor(`unet.${name}`);
    for (const [role, inputs] of [
      ['text-encoder', text],
      ['denoiser', given],
    ] as const)
      assertClose(
        await outputsOf(plainBackend(), folder, role, inputs),
        await outputsOf(new NodeBackend(1), folder, role, inputs),
      );
  });

test('an operator that nothing can replace is named', async () => {
  const backend = Object.assign(new NodeBackend(1), {
    can: { ...new NodeBackend(1).can, operator: (name: string) => name !== 'Conv' },
  });
  await assert.rejects(outputsOf(backend, 'tiny-sd15', 'denoiser', {}), /has no operator Conv/);
});
