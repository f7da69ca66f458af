import { InvalidArgumentError } from 'commander';
import { NodeBackend } from '../engine/backends/node/backend.ts';
import { StepInputs, TIMESTEP } from '../engine/benchmark/step/inputs.ts';
import { median } from '../engine/benchmark/timing.ts';
import { Components } from '../engine/execution/components.ts';
import { isGuided } from '../engine/execution/denoiser-inputs.ts';
import { float32 } from '../engine/graph/tensor.ts';
import { openModel } from '../engine/models/open.ts';
import { gaussianNoise } from '../engine/noise.ts';
import { byDefault, study, table, texts, whole } from './frame.ts';
import { type Timed, timed, timeInTurns } from './support/turns.ts';

/** An image: of which model, how large, in how many steps. */
interface Image {
  name: string;
  side: number;
  steps: number;
}

/** A part of an image's work, and how often it is done. */
interface Part extends Timed {
  times: number;
}

await study(
  {
    about:
      'Whole square images of several models in int8, without their texts: steps and decoder, with synthetic weights. Each ' +
      'part runs in turns with those of the others, once to warm up; an image is its steps times the median of one, and ' +
      'the decoder. Seconds of the processor say more than seconds where other programs run.',
    arguments: { images: texts('MODEL:SIDE:STEPS, the first the one that others are compared with') },
    options: {
      repeat: byDefault(whole('timed runs of each part', 1), 3),
      threads: byDefault(whole('threads', 1), 2),
    },
  },
  async ({ images, repeat, threads }) => {
    const asked = images.map(imageOf);
    const backend = new NodeBackend(threads);
    const parts: Part[][] = [];
    for (const image of asked) parts.push(await partsOf(image, backend));
    await timeInTurns(parts.flat(), repeat);
    const row = table('', 'a step', 'the decoder', 'the image', 'times faster', 'by processor time');
    const total = (of: 'wall' | 'processor', one: Part[]) =>
      one.reduce((sum, part) => sum + part.times * median(part[of]), 0);
    for (const [i, image] of asked.entries()) {
      const own = parts[i]!;
      const ratio = (of: 'wall' | 'processor') => (total(of, parts[0]!) / total(of, own)).toFixed(2);
      row(
        `${image.name}, ${image.side}×${image.side}, ${image.steps} steps`,
        ...own.map(({ wall, processor }) => `${seconds(median(wall))}, ${seconds(median(processor))}`),
        seconds(total('wall', own)),
        ratio('wall'),
        ratio('processor'),
      );
    }
  },
);

function imageOf(given: string): Image {
  const [, name, side, steps] = /^([\w.-]+):(\d+):(\d+)$/.exec(given) ?? [];
  if (!name) throw new InvalidArgumentError(`${given} is not MODEL:SIDE:STEPS.`);
  return { name, side: Number(side), steps: Number(steps) };
}

/** A step and the decoder. */
async function partsOf({ name, side, steps }: Image, backend: NodeBackend): Promise<Part[]> {
  const model = await openModel(name);
  const components = new Components(model, backend, backend.threads, { keepsAll: true });
  await components.prepare('int8');
  await components.prepareDecoder('int8');
  const guided = isGuided(components.network('denoiser'), model.defaults.guidance);
  const inputs = new StepInputs(components, { width: side, height: side }, guided);
  const denoiser = components.denoiser({ precision: 'int8' });
  const { scale, latentChannels } = model.autoencoder;
  const [height, width] = [side / scale, side / scale];
  const plan = await denoiser.plan({ of: 'whole', height, width }, guided ? 2 : 1);
  const decoder = await components.program('vae-decoder');
  const latent = float32(gaussianNoise(1, 0, latentChannels * height * width), [
    1,
    latentChannels,
    height,
    width,
  ]);
  const part = (times: number, run: Timed['run']): Part => ({ times, ...timed(run) });
  return [
    part(steps, () => denoiser.predict(plan, inputs.original, TIMESTEP, inputs.condition)),
    part(1, () => decoder.run({ latent })),
  ];
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}
