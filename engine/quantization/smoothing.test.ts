import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { withTinyModel } from '../../test/support/tiny-model.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { float32, floats } from '../graph/tensor.ts';
import type { Weight } from '../graph/values.ts';
import { gaussianNoise } from '../noise.ts';
import type { Layout } from '../weights/quantized.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { type Weights, WeightTable } from '../weights/weight-table.ts';
import { writeQuantized } from './build.ts';
import { matrixOf, matrixShape, productGroups } from './layers.ts';
import { QuantizedTable } from './quantized-table.ts';
import { type Smoothing, smooth, smoothingOf, smoothWeight } from './smoothing.ts';

const folder = await temporaryFolder();
const backend = new NodeBackend(1);
const [HEIGHT, WIDTH, TOKENS, CROSS] = [6, 8, 5, 12];

const configs = fc
  .record({
    linear: fc.boolean(),
    levels: fc.integer({ min: 2, max: 3 }),
    layers: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ linear, levels, layers }) => ({
    block_out_channels: [8, 16, 16].slice(0, levels),
    norm_num_groups: 4,
    attention_head_dim: 2,
    cross_attention_dim: CROSS,
    layers_per_block: layers,
    use_linear_projection: linear,
    down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'].slice(0, levels),
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'].slice(3 - levels),
  }));

/** Factors of 1/8 … 8. */
const factors = (seed: number, count: number) =>
  gaussianNoise(seed, 7, count).map((value) => 8 ** Math.tanh(value));

test('a network with factors in its weights computes what it did without them', () =>
  fc.assert(
    fc.asyncProperty(configs, fc.integer({ min: 0, max: 1000 }), async (config, seed) =>
      withTinyModel(config, async (model) => {
        const network = model.network('denoiser');
        const groups = productGroups(network);
        let asked = 0;
        const smoothing = await smoothingOf(network, groups, async (group) => {
          asked++;
          const { weight } = group.products[0]!;
          return factors(seed + asked, weight.shape[1]!);
        });
        assert.ok(smoothing.rows.size > asked, 'queries, keys and values share their factors');
        for (const part of ['proj_in', 'to_q', 'to_v', 'to_out.0', 'ff.net.0.proj', 'ff.net.2'])
          assert.ok(
            [...smoothing.rows.keys()].some((name) => name.includes(part)),
            part,
          );
        const weights = new WeightTable(network, await model.weights('denoiser'));
        const file = join(folder, `${seed}.safetensors`);
        const options = { form: () => 'float' as const, folded: false, most: 127, smoothing } as const;
        await writeQuantized(file, network, weights, options, { metadata: {} });
        const smoothed = new QuantizedTable(await openSafetensors(file));
        const inputs = {
          sample: float32(gaussianNoise(seed, 1, 8 * HEIGHT * WIDTH), [2, 4, HEIGHT, WIDTH]),
          timestep: float32(Float32Array.of(300), [1, 1]),
          encoder_hidden_states: float32(gaussianNoise(seed, 2, 2 * TOKENS * CROSS), [2, TOKENS, CROSS]),
        };
        const run = async (table: Weights) => {
          const program = await backend.compile(network, table, PLANAR, { threads: 1 });
          const output = floats(await program.run(inputs), 'out');
          await program.release();
          return output;
        };
        const [expected, actual] = [await run(weights), await run(smoothed)];
        const scale = Math.max(...expected.map(Math.abs));
        for (const [i, value] of expected.entries())
          assert.ok(Math.abs(actual[i]! - value) <= 1e-4 * scale, `${i}: ${actual[i]} instead of ${value}`);
      }),
    ),
    { numRuns: 6 },
  ));

test('a matrix with factors is the matrix of a weight with factors', () =>
  fc.assert(
    fc.property(
      fc.constantFrom<Layout>('linear', 'half.0', 'half.1', 'window', 'corner.0', 'corner.3'),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 0, max: 1000 }),
      (layout, multiplied, isDivided, seed) => {
        const linear = layout === 'linear' || layout.startsWith('half');
        const shape = linear ? [6, 5] : [6, 5, 3, 3];
        const weight: Weight = { name: 'layer.weight', shape, kind: 'weight' };
        const divided = factors(seed, layout.startsWith('half') ? 3 : 6);
        const smoothing: Smoothing = {
          rows: new Map(multiplied ? [[weight.name, factors(seed + 1, 5)]] : []),
          divided: new Map(isDivided ? [[weight.name, divided]] : []),
        };
        const values = gaussianNoise(
          seed,
          3,
          shape.reduce((a, b) => a * b, 1),
        );
        const matrix = matrixOf(weight, layout, values);
        smooth(matrix, matrixShape(weight, layout)[1], weight, layout, smoothing);
        smoothWeight(values, weight, smoothing);
        for (const [i, value] of matrixOf(weight, layout, values).entries())
          assert.ok(Math.abs(matrix[i]! - value) <= 1e-4 * (1 + Math.abs(value)));
      },
    ),
  ));
