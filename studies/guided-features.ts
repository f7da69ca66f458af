import { NodeBackend } from '../engine/backends/node/backend.ts';
import { StepInputs, TIMESTEP } from '../engine/benchmark/step/inputs.ts';
import { median } from '../engine/benchmark/timing.ts';
import { Components } from '../engine/execution/components.ts';
import { guide } from '../engine/execution/condition.ts';
import { denoiserInputs } from '../engine/execution/denoiser-inputs.ts';
import { planTokens, type TokenPlan, wholeTokens } from '../engine/execution/transformer/token-plan.ts';
import type { TokensNetwork } from '../engine/execution/transformer/tokens-network.ts';
import { TokensPlan } from '../engine/execution/transformer/tokens-plan.ts';
import { float32 } from '../engine/graph/tensor.ts';
import { openModel } from '../engine/models/open.ts';
import { signalToNoise } from '../engine/numbers.ts';
import { centredMask } from '../engine/regions/mask.ts';
import type { Recorded } from '../engine/regions/recorded.ts';
import { toRows } from '../engine/regions/rows.ts';
import { bytesOf } from '../engine/regions/store.ts';
import { byDefault, study, table, text, whole } from './frame.ts';
import { decibels } from './support/figures.ts';
import { timed, timeInTurns } from './support/turns.ts';

/** Of the image's area. */
const SHARES = [0.05, 0.4];
const GUIDANCE = 4.5;

await study(
  {
    about:
      "What a recorded step of a transformer takes, and how far an edit with it is from one with features as float32, with SANA's " +
      'guidance: both halves one after the other, and guided. Synthetic weights; other noise and the same prompts under a square mask. ' +
      'Seconds are of the processor.',
    arguments: { model: text('an architecture with synthetic weights: sana-600m, …') },
    options: {
      side: byDefault(whole('width and height of the image, in pixels', 64), 512),
      precision: byDefault(text('fp32 or int8'), 'fp32'),
      louder: byDefault(whole('times the texts are multiplied by, so that the halves differ more', 1), 1),
      repeat: byDefault(whole('timed runs of each', 1), 3),
    },
  },
  async ({ model: name, side, precision: asked, louder, repeat }) => {
    const precision = asked === 'int8' ? 'int8' : 'fp32';
    const model = await openModel(name);
    const backend = new NodeBackend(1);
    const components = new Components(model, backend, 1, { keepsAll: true });
    await components.prepare(precision);
    const inputs = new StepInputs(components, { width: side, height: side }, true);
    const { text: tokens } = inputs.condition;
    const told = float32(
      (tokens.data as Float32Array).map((value) => louder * value),
      tokens.dims,
    );
    const condition = { ...inputs.condition, text: told, guidance: GUIDANCE };
    const [height, width] = [side, side].map((length) => length / model.autoencoder.scale) as [
      number,
      number,
    ];
    const everything = wholeTokens(height, width);
    const opened = await components
      .denoiser({ precision })
      .plan({ of: 'whole', height, width, records: true }, 2);
    if (!(opened instanceof TokensPlan)) throw new Error('the model is no transformer');
    const { channels } = inputs;
    const pass = (
      net: TokensNetwork,
      plan: TokenPlan,
      sample: Float32Array,
      recorded?: Recorded,
      features = false,
    ) => {
      const rows = toRows(sample, 1, channels, plan.active);
      const feeds = denoiserInputs(rows, [plan.active.length, channels], TIMESTEP, condition);
      return net.pass(plan, 2, feeds, { ...(recorded && { recorded }), features });
    };
    const row = table('', 'bytes', 'both halves', 'guided', 'the edit');
    const packed = opened.network.keeping('int8');
    const exact = packed.keeping('float32');
    const { features } = await pass(exact, everything, inputs.original, undefined, true);
    for (const share of SHARES) {
      const mask = centredMask(height, width, share);
      const plan = planTokens(mask);
      const sample = inputs.sample(mask);
      const runs = await Promise.all(
        [exact, packed].map(async (net) => {
          const recorded = net.recorded(2, features);
          const run = timed(() => pass(net, plan, sample, recorded));
          return {
            ...run,
            bytes: bytesOf(recorded),
            output: (await pass(net, plan, sample, recorded)).output.slice(),
          };
        }),
      );
      await timeInTurns(runs, repeat);
      for (const [i, { bytes, output, processor }] of runs.entries()) {
        const reference = runs[0]!.output;
        row(
          `${Math.round(100 * share)} %, ${i === 0 ? 'as float32' : 'as stored'}`,
          `${(bytes / 1e6).toFixed(1)} MB`,
          decibels(signalToNoise(output, reference)),
          decibels(signalToNoise(guide(output, condition), guide(reference, condition))),
          `${median(processor).toFixed(2)} s`,
        );
      }
    }
  },
);
