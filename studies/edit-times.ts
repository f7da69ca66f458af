import { NodeBackend } from '../engine/backends/node/backend.ts';
import { StepInputs, TIMESTEP } from '../engine/benchmark/step/inputs.ts';
import { median } from '../engine/benchmark/timing.ts';
import { Components } from '../engine/execution/components.ts';
import { RegionAutoencoder } from '../engine/execution/crops/region-autoencoder.ts';
import { isGuided } from '../engine/execution/denoiser-inputs.ts';
import { takePositions } from '../engine/execution/latents.ts';
import { openModel } from '../engine/models/open.ts';
import { signalToNoise } from '../engine/numbers.ts';
import { scaleMask } from '../engine/pictures/mask.ts';
import { centredMask } from '../engine/regions/mask.ts';
import { bytesOf } from '../engine/regions/store.ts';
import { byDefault, fraction, optional, study, table, text, whole } from './frame.ts';
import { type Counted, counted, tellSavings } from './support/budget-savings.ts';
import { decibels, gigaMacs } from './support/figures.ts';
import { type Timed, timeInTurns } from './support/turns.ts';

await study(
  {
    about:
      'An edit of a square image that was drawn before, against generating it again, in int8 with synthetic weights and ' +
      'without the text: a step and the decoder, each whole and for the masked part, in turns, after a run to warm up. ' +
      'Seconds of the processor say more than seconds where other programs run. With a budget also what it saves, alone and ' +
      'on top of the edit.',
    arguments: { model: text('an architecture with synthetic weights: sana-sprint-600m, …') },
    options: {
      side: byDefault(whole('width and height of the image, in pixels', 32), 1024),
      steps: byDefault(whole('denoising steps', 1), 2),
      percent: byDefault(whole('share of the image under the mask', 1), 5),
      budget: optional(fraction("a share of the full process's operations", 0.1, 1)),
      repeat: byDefault(whole('timed runs of each part', 1), 3),
      threads: byDefault(whole('threads', 1), 2),
    },
  },
  async ({ model: name, side, steps, percent, budget, repeat, threads }) => {
    const components = new Components(await openModel(name), new NodeBackend(threads), threads, {
      keepsAll: true,
    });
    await components.prepare('int8');
    await components.prepareDecoder('int8');
    const parts = [
      ...(await stepParts(components, side, percent)),
      ...(await decoderParts(components, side, percent)),
    ];
    await timeInTurns(parts, repeat);
    const [step, editStep, decoder, editDecoder] = parts;
    const row = table('', 'whole', 'the edit', 'times faster', 'by processor time');
    const line = (
      title: string,
      total: (of: 'wall' | 'processor', step: Timed, decoder: Timed) => number,
    ) => {
      const of = (kind: 'wall' | 'processor') =>
        [total(kind, step!, decoder!), total(kind, editStep!, editDecoder!)] as const;
      const [[wall, editWall], [processor, editProcessor]] = [of('wall'), of('processor')];
      row(
        title,
        `${wall.toFixed(2)} s, ${processor.toFixed(2)} s`,
        `${editWall.toFixed(2)} s, ${editProcessor.toFixed(2)} s`,
        (wall / editWall).toFixed(2),
        (processor / editProcessor).toFixed(2),
      );
    };
    line(`a step of ${name}, ${side}×${side}`, (of, one) => median(one[of]));
    line('the decoder', (of, _, one) => median(one[of]));
    line(`the image, ${steps} steps`, (of, one, last) => steps * median(one[of]) + median(last[of]));
    if (budget !== undefined)
      tellSavings(budget, steps, {
        step: step!,
        editStep: editStep!,
        decoder: decoder!,
        editDecoder: editDecoder!,
      });
    await components.release();
  },
);

async function stepParts(components: Components, side: number, percent: number): Promise<Counted[]> {
  const guided = isGuided(components.network('denoiser'), components.model.defaults.guidance);
  const inputs = new StepInputs(components, { width: side, height: side }, guided);
  const { height, width, batch, tokens } = inputs.extent;
  const denoiser = components.denoiser({ precision: 'int8' });
  const { condition, original } = inputs;
  const recording = await denoiser.plan({ of: 'whole', height, width, records: true }, batch);
  const { features } = await denoiser.predict(recording, original, TIMESTEP, condition, { record: true });
  const mask = centredMask(height, width, percent / 100);
  const region = await denoiser.plan({ of: 'region', mask, ring: denoiser.ring }, batch);
  const sample = takePositions(inputs.sample(mask), height * width, region.positions!);
  const everything = await denoiser.plan({ of: 'whole', height, width }, batch);
  console.log(`A step's store: ${(bytesOf(features!) / 1e6).toFixed(1)} MB.`);
  return [
    counted(everything.macs(tokens, 1), () => denoiser.predict(everything, original, TIMESTEP, condition)),
    counted(region.macs(tokens, 1), () =>
      denoiser.predict(region, sample, TIMESTEP, condition, { seen: features!, record: true }),
    ),
  ];
}

async function decoderParts(components: Components, side: number, percent: number): Promise<Counted[]> {
  const guided = isGuided(components.network('denoiser'), components.model.defaults.guidance);
  const inputs = new StepInputs(components, { width: side, height: side }, guided);
  const { height, width } = inputs.extent;
  const mask = centredMask(height, width, percent / 100);
  const autoencoder = new RegionAutoencoder(components);
  const latent = inputs.sample(mask);
  const before = await autoencoder.decode(inputs.original, side, side);
  const whole = await autoencoder.decode(latent, side, side);
  const part = await autoencoder.decodeRegion(latent, side, side, before, mask);
  const pixels = scaleMask(mask, side, side).data;
  const inside = (planes: Float32Array) => planes.filter((_, i) => pixels[i % pixels.length]);
  console.log(
    `The decoder: ${gigaMacs(part.macs, 0)} of ${gigaMacs(whole.macs, 0)} MACs; ` +
      `${decibels(signalToNoise(inside(part.data), inside(whole.data)))} inside the mask against decoding everything.\n`,
  );
  return [
    counted(whole.macs, () => autoencoder.decode(Float32Array.from(latent), side, side)),
    counted(part.macs, () => autoencoder.decodeRegion(latent, side, side, before, mask)),
  ];
}
