import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../backends/node/backend.ts';
import { Emitter } from '../execution/lowering/emitter.ts';
import { CAREFUL_MOST, largestInt8 } from '../execution/lowering/self-check.ts';
import { ANY_TARGET } from '../execution/lowering/target.ts';
import { NetworkBuilder } from '../graph/network.ts';
import type { Linear } from '../graph/operators.ts';
import { float32, floats } from '../graph/tensor.ts';
import type { WeightForm } from '../graph/weight-form.ts';
import { gaussianNoise } from '../noise.ts';
import { BLOCK } from '../weights/quantized.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import type { StoredTensor } from '../weights/source.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { writeQuantized } from './build.ts';
import { QuantizedTable } from './quantized-table.ts';
import { NO_SMOOTHING } from './smoothing.ts';

const folder = await temporaryFolder();
const backend = new NodeBackend(1);
// If sums of products saturate, weights of the whole range would be inexact.
const most = await largestInt8(backend);

const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 40 }),
  channels: fc.integer({ min: 1, max: 100 }),
  out: fc.integer({ min: 1, max: 40 }),
  most: fc.constantFrom(most, CAREFUL_MOST),
  seed: fc.integer({ min: 0, max: 1000 }),
});

interface WeightProduct {
  /** What was multiplied: [rows, channels], int8 as bytes. */
  left: Float32Array;
  /** For int8: value = (byte − zero) · scale. */
  scale: number;
  zero: number;
  result: Float32Array;
  values: StoredTensor;
  scales: Float32Array;
  bias: Float32Array;
}

/** A linear map of quantized weights as ONNX Runtime computes it. */
async function product(
  form: Exclude<WeightForm, 'float'>,
  x: Float32Array,
  {
    rows,
    channels,
    out,
    most,
    seed,
  }: { rows: number; channels: number; out: number; most: number; seed: number },
): Promise<WeightProduct> {
  const builder = new NetworkBuilder();
  builder.output('y', builder.linear('layer', builder.inputTokens('x', channels), out));
  const network = builder.build('linear');
  const { weight, bias } = network.operators[0] as Linear;
  const source = await syntheticWeights([weight, bias!], { seed, folder });
  const file = join(folder, `${form}-${seed}-${channels}-${out}-${most}.safetensors`);
  const options = { form: () => form, folded: false, most, smoothing: NO_SMOOTHING };
  await writeQuantized(file, network, new WeightTable(network, source), options, { metadata: {} });
  const table = new QuantizedTable(await openSafetensors(file));
  const emit = new Emitter(table, ANY_TARGET);
  const { onnx } = emit;
  const operand = emit.operand(onnx.input('x', 'float32', [1, rows, channels]), weight, 'linear');
  const y = emit.product(operand, weight, 'linear', { bias: emit.weight(bias!) });
  onnx.output('y', y, 'float32', [1, rows, out]);
  if (operand.bytes) {
    onnx.output('left', onnx.cast(operand.rows, 'float32'), 'float32', [1, rows, channels]);
    onnx.output('scale', onnx.node('Identity', [operand.bytes.scale]), 'float32', []);
    onnx.output('zero', onnx.cast(operand.bytes.zero, 'float32'), 'float32', []);
  }
  const program = await backend.load(onnx.encode('product'), { threads: 1 });
  const outputs = await program.run({ x: float32(x, [1, rows, channels]) });
  await program.release();
  const { values, scale } = table.matrix(weight, 'linear')!;
  return {
    left: operand.bytes ? floats(outputs, 'left') : x,
    scale: operand.bytes ? floats(outputs, 'scale')[0]! : 1,
    zero: operand.bytes ? floats(outputs, 'zero')[0]! : 0,
    result: floats(outputs, 'y'),
    values,
    scales: await readFloat32(scale),
    bias: await readFloat32(table.get(bias!)),
  };
}

function assertNear(actual: number, expected: number, size: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-5 * (1 + size), `${actual} instead of ${expected}`);
}

test('int8: bytes as DynamicQuantizeLinear defines them, products as exact sums of whole numbers', () =>
  fc.assert(
    fc.asyncProperty(sizes, async (size) => {
      const { rows, channels, out, seed } = size;
      const x = gaussianNoise(seed, 1, rows * channels).map((value) => value * 10 ** ((seed % 7) - 3));
      const { left, scale, zero, result, values, scales, bias } = await product('int8', x, size);
      // Zero is always within the range, so that it is exact.
      const low = Math.min(0, ...x);
      const high = Math.max(0, ...x);
      assertNear(scale, Math.fround((high - low) / 255), scale);
      assert.ok(Math.abs(zero + low / scale) <= 0.5001);
      for (const [i, value] of x.entries()) {
        assert.ok(left[i]! >= 0 && left[i]! <= 255 && Number.isInteger(left[i]!));
        const exact = Math.max(0, Math.min(255, value / scale + zero));
        assert.ok(Math.abs(left[i]! - exact) <= 0.501, `${value} became ${left[i]}`);
      }
      const matrix = await readInt64(values);
      for (let row = 0; row < rows; row++)
        for (let n = 0; n < out; n++) {
          let sum = 0n;
          for (let k = 0; k < channels; k++)
            sum += BigInt(left[row * channels + k]! - zero) * matrix[k * out + n]!;
          const expected = Number(sum) * scale * scales[n]! + bias[n]!;
          assertNear(result[row * out + n]!, expected, Math.abs(expected));
        }
    }),
    { numRuns: 25 },
  ));

for (const bits of [4, 8] as const)
  test(`blocks of ${bits} bits: MatMulNBits is sums of whole numbers, a scale for each block`, () =>
    fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        const { rows, channels, out, seed } = size;
        // Whole numbers, so that the sums of a block are exact.
        const x = gaussianNoise(seed, 1, rows * channels).map((value) => Math.round(8 * value));
        const { result, values, scales, bias } = await product(`blocks-${bits}`, x, size);
        const bytes = await readInt64(values);
        const blocks = Math.ceil(channels / BLOCK);
        const whole = (row: number, n: number) => {
          const at = (n * blocks + Math.floor(row / BLOCK)) * BLOCK + (row % BLOCK);
          if (bits === 8) return bytes[at]! - 128n;
          return (row % 2 ? bytes[at >> 1]! >> 4n : bytes[at >> 1]! & 15n) - 8n;
        };
        for (let row = 0; row < rows; row++)
          for (let n = 0; n < out; n++) {
            let [expected, magnitude] = [bias[n]!, 0];
            for (let b = 0; b < blocks; b++) {
              let sum = 0n;
              for (let k = b * BLOCK; k < Math.min(channels, (b + 1) * BLOCK); k++)
                sum += BigInt(x[row * channels + k]!) * whole(k, n);
              expected += Number(sum) * scales[n * blocks + b]!;
              magnitude += Math.abs(Number(sum) * scales[n * blocks + b]!);
            }
            assertNear(result[row * out + n]!, expected, magnitude);
          }
      }),
      { numRuns: 15 },
    ));
