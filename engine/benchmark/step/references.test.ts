import assert from 'node:assert/strict';
import { test } from 'node:test';
import { References } from './references.ts';

const sample = (value: number) => Float32Array.of(value, value + 1);

/** A run that counts its calls and returns its input. */
function denseRun() {
  const seen: Float32Array[] = [];
  const run = async (input: Float32Array) => {
    seen.push(input);
    return input;
  };
  const macs = { total: 0, byKind: {}, byLevel: {} };
  return { seen, cost: { macs }, loadSeconds: 0, run };
}

test('the timed rounds of the dense case give every reference, and none is run twice', async () => {
  const samples = [sample(0), sample(5), sample(9)];
  const references = new References(samples);
  const dense = denseRun();
  references.from(dense);
  for (let round = 0; round < 3; round++) await references.run(round);
  assert.deepEqual(dense.seen, samples);
  const off = samples[1]!.map((value) => value + 0.1);
  const quality = await references.quality(samples[1]!, off);
  assert.equal(dense.seen.length, 3);
  assert.ok(
    Math.abs(quality!.psnr - 20) < 1e-4,
    `an error of a tenth of the range is 20 dB: ${quality!.psnr}`,
  );
});

test('what too few rounds left out is run once, when it is asked for', async () => {
  const samples = [sample(0), sample(5)];
  const references = new References(samples);
  const dense = denseRun();
  references.from(dense);
  await references.run(0);
  for (let i = 0; i < 2; i++) await references.quality(samples[1]!, samples[1]!);
  assert.deepEqual(dense.seen, samples);
});

test('under a mask only its positions count', async () => {
  const references = new References([sample(0)]);
  assert.equal(await references.quality(sample(0), sample(0)), null, 'nothing to compare with');
  references.from(denseRun());
  const mask = { width: 2, height: 1, data: Uint8Array.of(1, 0) };
  const one = Float32Array.of(0, 1);
  const quality = await references.quality(one, Float32Array.of(0, 1.1), mask);
  assert.equal(quality!.psnr, Number.POSITIVE_INFINITY);
  assert.ok(quality!.psnrWhole < 30);
});
