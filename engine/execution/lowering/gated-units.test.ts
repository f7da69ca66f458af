import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { type Network, NetworkBuilder, weightsOf } from '../../graph/network.ts';
import type { WeightProduct } from '../../graph/operators.ts';
import { float32, floats, int64, type Tensor } from '../../graph/tensor.ts';
import type { WeightForm } from '../../graph/weight-form.ts';
import { gatedConvolution } from '../../networks/gated-convolution.ts';
import { gaussianNoise } from '../../noise.ts';
import { writeQuantized } from '../../quantization/build.ts';
import { QuantizedTable } from '../../quantization/quantized-table.ts';
import { NO_SMOOTHING } from '../../quantization/smoothing.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { type Weights, WeightTable } from '../../weights/weight-table.ts';
import { type Form, PLANAR } from '../forms/form.ts';
import { EXTENT } from '../forms/tokens.ts';
import { gatedUnits } from './gated-units.ts';

const folder = await temporaryFolder();
const backend = new NodeBackend(1);
const most = await backend.largestInt8();

/** A gated convolution, and the same with its wide values as a further output, so that they stay whole. */
function networks(channels: number, hidden: number): [apart: Network, whole: Network] {
  const net = new NetworkBuilder();
  net.output('y', gatedConvolution(net, 'ff', net.inputMap('x', channels, 0), hidden));
  const apart = net.build('gated');
  const local = apart.operators.find(({ type }) => type === 'convolution')!.output;
  return [apart, { ...apart, outputs: new Map([...apart.outputs, ['local', local]]) }];
}

test('a gated unit is known unless something else reads what is inside', () => {
  const [apart, whole] = networks(4, 6);
  const units = gatedUnits(apart);
  const inside = apart.operators.slice(0, -1);
  assert.deepEqual(new Set(units.keys()), new Set(inside));
  assert.equal(new Set(units.values()).size, 1);
  assert.equal(gatedUnits(whole).size, 0);
});

test('in halves a gated unit gives what it gives as a whole, in every precision, in rows and from planes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        channels: fc.integer({ min: 1, max: 40 }),
        hidden: fc.integer({ min: 1, max: 40 }),
        height: fc.integer({ min: 1, max: 4 }),
        width: fc.integer({ min: 1, max: 4 }),
        batch: fc.integer({ min: 1, max: 2 }),
        of: fc.constantFrom<WeightForm>('float', 'int8', 'blocks-8', 'blocks-4'),
      }),
      async ({ channels, hidden, height, width, batch, of }) => {
        const [apart, whole] = networks(channels, hidden);
        const source = await syntheticWeights(weightsOf(apart), { seed: 1, folder });
        let weights: Weights = new WeightTable(apart, source);
        if (of !== 'float') {
          const file = path.join(folder, `${of}-${channels}-${hidden}.safetensors`);
          // What the unit gives is not rounded again.
          const form = ({ weight }: WeightProduct) => (weight.name.includes('inverted') ? of : 'float');
          const options = { form, folded: false, most, smoothing: NO_SMOOTHING };
          await writeQuantized(file, apart, new WeightTable(apart, source), options, { metadata: {} });
          weights = new QuantizedTable(await openSafetensors(file));
        }
        const x = (dims: number[]) => float32(gaussianNoise(2, 0, batch * channels * height * width), dims);
        const extent = int64(BigInt64Array.of(BigInt(height), BigInt(width)), [2]);
        const forms: [Form, Record<string, Tensor>][] = [
          [PLANAR, { x: x([batch, channels, height, width]) }],
          [
            { kind: 'tokens', part: false },
            { x: x([batch, height * width, channels]), [EXTENT]: extent },
          ],
        ];
        for (const [form, inputs] of forms) {
          const [y, expected] = await Promise.all(
            [apart, whole].map(async (network) => {
              const program = await backend.compile(network, weights, form);
              const result = floats(await program.run(inputs, ['y']), 'y');
              await program.release();
              return result;
            }),
          );
          const largest = Math.max(...expected!.map(Math.abs));
          for (const [i, value] of expected!.entries())
            assert.ok(
              Math.abs(y![i]! - value) <= 1e-4 * largest,
              `${form.kind} ${i}: ${y![i]}, not ${value}`,
            );
        }
      },
    ),
    { numRuns: 24 },
  ));
