import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32 } from '../../graph/tensor.ts';
import type { OnnxLoader } from './onnx/loader.ts';
import { largestInt8 } from './self-check.ts';

const COLUMNS = 16;

/** A processor that adds two products of a byte by an int8 in a register, and clips the sum at `limit`. */
function processor(limit: number) {
  const released: boolean[] = [];
  const load: OnnxLoader['load'] = async () => ({
    async run({ x }) {
      const length = x!.dims[1]!;
      const pair = Math.min(limit, 2 * 255 * 127);
      const sum = ((length / 2) * pair) / 255;
      return { y: float32(new Float32Array(COLUMNS).fill(sum), [1, COLUMNS]) };
    },
    async runKept() {
      throw new Error('not needed here');
    },
    async release() {
      released.push(true);
    },
  });
  const backend: OnnxLoader = Object.assign(new NodeBackend(1), { load });
  return { backend, released };
}

test('16-bit sums that saturate: half the range, of which no pair of products overflows', async () => {
  const { backend, released } = processor(2 ** 15 - 1);
  const most = await largestInt8(backend);
  assert.equal(most, 63);
  assert.ok(2 * 255 * most <= 2 ** 15 - 1);
  assert.equal(await largestInt8(backend), 63);
  assert.equal(released.length, 1, 'measured once, and released');
});

test('sums that fit: the whole range', async () => {
  assert.equal(await largestInt8(processor(2 ** 31 - 1).backend), 127);
});

test('a failure, as when memory is short, is not remembered', async (t) => {
  const { backend } = processor(2 ** 31 - 1);
  const load = t.mock.method(backend, 'load');
  load.mock.mockImplementationOnce(async () => {
    throw new Error('out of memory');
  });
  await assert.rejects(largestInt8(backend), /out of memory/);
  assert.equal(await largestInt8(backend), 127);
});

test('this machine has one of the two', async () => {
  assert.ok([63, 127].includes(await largestInt8(new NodeBackend(1))));
});
