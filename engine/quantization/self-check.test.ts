import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Runtime } from '../execution/runtime.ts';
import { float32 } from '../graph/tensor.ts';
import { NodeRuntime } from '../host/node/runtime.ts';
import { largestInt8 } from './self-check.ts';

const COLUMNS = 16;

/** A processor that adds two products of a byte by an int8 in a register, and cuts the sum off at `limit`. */
function processor(limit: number) {
  const released: boolean[] = [];
  const load: Runtime['load'] = async () => ({
    async run({ x }) {
      const length = x!.dims[1]!;
      const pair = Math.min(limit, 2 * 255 * 127);
      const sum = ((length / 2) * pair) / 255;
      return { y: float32(new Float32Array(COLUMNS).fill(sum), [1, COLUMNS]) };
    },
    async release() {
      released.push(true);
    },
  });
  const runtime: Runtime = Object.assign(new NodeRuntime(1), { load });
  return { runtime, released };
}

test('16-bit sums that saturate: half the range, of which no pair of products overflows', async () => {
  const { runtime, released } = processor(2 ** 15 - 1);
  const most = await largestInt8(runtime);
  assert.equal(most, 63);
  assert.ok(2 * 255 * most <= 2 ** 15 - 1);
  assert.equal(await largestInt8(runtime), 63);
  assert.equal(released.length, 1, 'measured once, and released');
});

test('sums that fit: the whole range', async () => {
  assert.equal(await largestInt8(processor(2 ** 31 - 1).runtime), 127);
});

test('this machine has one of the two', async () => {
  assert.ok([63, 127].includes(await largestInt8(new NodeRuntime(1))));
});
