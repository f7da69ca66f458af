import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { kernelsOf } from '../../backends/devices/kernels.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { NetworkBuilder, weightsOf } from '../../graph/network.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { readFloat32 } from '../../weights/read.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { PLANAR } from '../forms/form.ts';
import { lowerPlanar } from './planar.ts';
import { ANY_TARGET, type Target } from './target.ts';

const CHANNELS = 128;
const [HEIGHT, WIDTH] = [3, 5];

test('folded upsampling is nearest-neighbour ×2 and a 3×3 convolution', async () => {
  const net = new NetworkBuilder();
  const x = net.inputMap('x', CHANNELS, 1);
  net.output('y', net.convolution('up', x, 2, { upsample: true }));
  const network = net.build('up');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    const source = await syntheticWeights(weightsOf(network), { seed: 1, folder });
    const program = await new NodeBackend(1).compile(network, new WeightTable(network, source), PLANAR);
    const input = gaussianNoise(1, 0, CHANNELS * HEIGHT * WIDTH);
    const outputs = await program.run({ x: float32(input, [1, CHANNELS, HEIGHT, WIDTH]) });
    await program.release();
    assert.deepEqual(outputs.y!.dims, [1, 2, 2 * HEIGHT, 2 * WIDTH]);
    const expected = plainly(
      input,
      await readFloat32(source.find('up.weight')!),
      await readFloat32(source.find('up.bias')!),
    );
    for (const [i, value] of floats(outputs, 'y').entries())
      assert.ok(Math.abs(value - expected[i]!) < 1e-4, `${i}: ${value} instead of ${expected[i]}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The sum over channels and taps, position by position. */
function plainly(input: Float32Array, weight: Float32Array, bias: Float32Array): Float64Array {
  const [height, width] = [2 * HEIGHT, 2 * WIDTH];
  const result = new Float64Array(2 * height * width);
  for (let out = 0; out < 2; out++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let sum = bias[out]!;
        for (let c = 0; c < CHANNELS; c++)
          for (let tap = 0; tap < 9; tap++) {
            const [row, column] = [y + Math.floor(tap / 3) - 1, x + (tap % 3) - 1];
            if (row < 0 || column < 0 || row >= height || column >= width) continue;
            const parent = (c * HEIGHT + (row >> 1)) * WIDTH + (column >> 1);
            sum += weight[(out * CHANNELS + c) * 9 + tap]! * input[parent]!;
          }
        result[(out * height + y) * width + x] = sum;
      }
  return result;
}

test('channels that a device cannot read alone are filled up with zeros', async () => {
  const net = new NetworkBuilder();
  const x = net.inputMap('x', 9, 0);
  const down = net.convolution('down', x, 6, { stride: 2 });
  const up = net.convolution('up', down, 6, { upsample: true });
  const deep = net.convolution('deep', up, 6, { groups: 6 });
  net.output('y', net.convolution('one', deep, 4, { kernel: 1 }));
  const network = net.build('padded');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    const weights = new WeightTable(network, await syntheticWeights(weightsOf(network), { seed: 1, folder }));
    const padded = (target: Target) =>
      new Set(
        Buffer.from(lowerPlanar(network, weights, target).bytes)
          .toString('latin1')
          .match(/Pad_\d+/g),
      ).size;
    assert.equal(padded(ANY_TARGET), 0);
    assert.equal(padded(kernelsOf('cuda')), 0);
    // Not the one in groups, nor the product of channels.
    assert.equal(padded(kernelsOf('webgpu')), 2);

    const device = new NodeBackend(1);
    Object.assign(device, { can: { ...device.can, ...kernelsOf('webgpu') } });
    const input = { x: float32(gaussianNoise(1, 0, 9 * 8 * 6), [1, 9, 8, 6]) };
    const results = [];
    for (const backend of [new NodeBackend(1), device]) {
      const program = await backend.compile(network, weights, PLANAR);
      results.push(floats(await program.run(input), 'y'));
      await program.release();
    }
    const [expected, actual] = results;
    for (const [i, value] of expected!.entries())
      assert.ok(Math.abs(value - actual![i]!) < 1e-5, `${i}: ${actual![i]} instead of ${value}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
