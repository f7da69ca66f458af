import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../../../test/support/close.ts';
import { CROSS, withTinyModel } from '../../../test/support/tiny-model.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { sizeAt } from '../../graph/macs.ts';
import { float32 } from '../../graph/tensor.ts';
import { parseUNetConfig } from '../../networks/unet-config.ts';
import { gaussianNoise, gaussianTensor } from '../../noise.ts';
import type { Mask } from '../../regions/mask.ts';
import { toRows } from '../../regions/rows.ts';
import { Components } from '../components.ts';
import type { Condition } from '../condition.ts';
import { planarPredict } from './predict.ts';

const [HEIGHT, WIDTH, TIMESTEP] = [7, 10, 300];
const CHANNELS = [8, 16];
const unet = {
  block_out_channels: CHANNELS,
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: CROSS,
  layers_per_block: 1,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};
const config = parseUNetConfig(unet, 'tiny');
const steering = {
  controls: [config, config],
  features: 2,
  references: [{ masked: false }, { masked: true }],
  regions: 2,
};

const random = (stream: number, dims: readonly number[]) => gaussianTensor(4, stream, dims);
const map = (stream: number, level: number) =>
  random(stream, [1, CHANNELS[level]!, ...sizeAt({ height: HEIGHT, width: WIDTH }, level)]);
const always = { from: 1000, to: 0 };
const mask = (level: number) => {
  const dims = [1, 1, ...sizeAt({ height: HEIGHT, width: WIDTH }, level)];
  return float32(gaussianTensor(4, 40 + level, dims).data.map(Math.abs), dims);
};
const share = (region: number, level: number) => {
  const [height, width] = sizeAt({ height: HEIGHT, width: WIDTH }, level);
  const shares = (x: number) => [0.5, 0.5 - (0.5 * x) / width!, (0.5 * x) / width!];
  const data = Float32Array.from({ length: height! * width! }, (_, i) => shares(i % width!)[region]!);
  return float32(data, [1, 1, height!, width!]);
};
const condition: Condition = {
  text: random(1, [2, 5, CROSS]),
  regions: [random(20, [2, 5, CROSS]), random(21, [2, 5, CROSS])],
  shares: [0, 1, 2].map((region) => ({ 0: share(region, 0), 1: share(region, 1) })),
  guidance: 1.5,
  controls: {
    hints: [
      { maps: [map(2, 0)], strength: 0.7, ...always },
      { maps: [map(3, 0)], strength: 0.4, ...always, guess: true },
    ],
    features: [
      { maps: [map(4, 0), map(5, 1)], strength: 0.8, ...always },
      { maps: [map(6, 0), map(7, 1)], strength: 0.3, from: 200, to: 0 },
    ],
  },
  references: [
    { keys: random(8, [2, 4, CROSS]), values: random(9, [2, 4, CROSS]) },
    { keys: random(10, [2, 3, CROSS]), values: random(11, [2, 3, CROSS]), masks: { 0: mask(0), 1: mask(1) } },
  ],
};

test('steering has the same effect in planes, in rows, and in a part with the rest recorded', () =>
  withTinyModel(
    unet,
    async (model) => {
      const components = new Components(model, new NodeBackend(1), 1);
      const network = components.network('denoiser');
      const options = {
        foldUpsampling: false,
        storage: 'float32',
        statistics: 'any',
        attention: 'full',
      } as const;
      const rows = await components.forms.rows(options);
      const sample = gaussianNoise(4, 12, 4 * HEIGHT * WIDTH);
      const planar = async (steered: Condition) => {
        const program = await components.program('denoiser');
        const schedule = { timesteps: [TIMESTEP] };
        return planarPredict(program, schedule, [4, HEIGHT, WIDTH], steered, network)(sample, 0);
      };
      const dense = rows.dense(HEIGHT, WIDTH, 2);
      const everywhere = dense.plan.levels[0]!.active;
      const pass = await rows.run(dense, toRows(sample, 1, 4, everywhere), TIMESTEP, condition, {
        features: true,
      });
      const expected = await planar(condition);
      assertClose(pass.output, toRows(expected, 1, 4, everywhere), 1e-4);

      const data = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => Number(i % 7 < 3 && i > 12));
      const part: Mask = { height: HEIGHT, width: WIDTH, data };
      const region = rows.region(part, 2);
      const at = region.plan.levels[0]!.active;
      const recorded = rows.recorded(dense, pass);
      const again = await rows.run(region, toRows(sample, 1, 4, at), TIMESTEP, condition, { recorded });
      assertClose(again.output, toRows(expected, 1, 4, at), 1e-4);

      // Each of them has an influence, and none if nothing acts.
      const without = (change: Partial<Condition>) => planar({ ...condition, ...change });
      const { controls, references } = condition;
      for (const change of [
        { controls: { ...controls!, hints: [controls!.hints[0]!] } },
        { controls: { ...controls!, features: [] } },
        { references: [references![0]!] },
        { references: [] },
        { regions: [condition.regions![0]!] },
        { shares: condition.shares!.toReversed() },
      ])
        assert.notDeepEqual(await without(change), expected);
      const late = { ...controls!, features: [controls!.features[0]!] };
      assert.deepEqual(await without({ controls: late }), expected);
      // With the prompt in their place regions change nothing, and without shares they do not count.
      const alike = await without({ regions: [condition.text, condition.text] });
      assertClose(await without({ regions: [], shares: [] }), alike, 1e-4);
    },
    steering,
  ));
