import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NodeBackend } from '../engine/backends/node/backend.ts';
import { Components } from '../engine/execution/components.ts';
import { RegionAutoencoder } from '../engine/execution/crops/region-autoencoder.ts';
import type { Denoiser } from '../engine/execution/denoiser.ts';
import type { DiffusionModel } from '../engine/models/diffusion-model.ts';
import { openModel } from '../engine/models/open.ts';
import { CLIP_TOKENS } from '../engine/networks/clip-text.ts';
import { gaussianNoise, START_NOISE } from '../engine/noise.ts';
import { encodePng } from '../engine/pictures/png.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { openPromptEncoder } from '../engine/pipelines/prompt-encoder.ts';
import { conditionFor } from '../engine/pipelines/ready-model.ts';
import { schedulerFor } from '../engine/pipelines/scheduler-for.ts';
import { byDefault, optional, study, table, text, whole, wholes } from './frame.ts';
import { decibels, mean } from './support/figures.ts';
import { readPrompts, UNSEEN } from './support/prompts.ts';

const FULL = 20;

await study(
  {
    about:
      'What it costs and gives to take the first steps of an image at half its resolution, against the full process and ' +
      'beside as many operations on plain steps: Scenes. What the half steps predict as the clean latents is enlarged, ' +
      'and noised with the noise of the full size, of which theirs is the mean.',
    options: {
      side: byDefault(whole('width and height of the images, in pixels', 64), 256),
      count: byDefault(whole('prompts', 1), 12),
      steps: byDefault(whole('steps of the plan', 2), 8),
      halves: byDefault(wholes('how many of them are taken at half the resolution'), [0, 1, 2, 4]),
      images: optional(text('a folder for the images')),
    },
  },
  async ({ side, count, steps, halves, images }) => {
    if (images) await mkdir(images, { recursive: true });
    const model = (await openModel('scenes')) as DiffusionModel;
    const components = new Components(model, new NodeBackend(1), 1);
    const encoder = await openPromptEncoder(model, components);
    const denoiser = components.denoiser({ precision: 'fp32' });
    const autoencoder = new RegionAutoencoder(components);
    const levels = halves.map((): number[] => []);
    for (const [n, { prompt, seed }] of (await readPrompts(UNSEEN, count)).entries()) {
      const size = { width: side, height: side };
      const { condition } = await conditionFor(
        { model, components, text: encoder },
        prompt,
        '',
        model.defaults.guidance,
        size,
      );
      const drawn = async (all: number, half: number) => {
        const latent = await drawnWith(model, denoiser, condition, { side, seed, steps: all, half });
        const { data } = await autoencoder.decode(latent, side, side);
        const file = `${n}-${half}-of-${all}.png`;
        if (images) await writeFile(path.join(images, file), await encodePng(data, side, side));
        return Uint8Array.from(data, (value) => Math.round(127.5 * (1 + Math.max(-1, Math.min(1, value)))));
      };
      const full = await drawn(FULL, 0);
      for (const [i, half] of halves.entries()) levels[i]!.push(psnr(await drawn(steps, half), full));
    }
    const macsAt = (positions: number) =>
      denoiser.stepMacs({ height: positions, width: positions }, 2, CLIP_TOKENS);
    const positions = side / model.autoencoder.scale;
    const row = table('steps', 'of them at half the resolution', 'MACs of the steps', 'PSNR, mean');
    for (const [i, half] of halves.entries()) {
      const macs = (steps - half) * macsAt(positions) + half * macsAt(positions / 2);
      const share = (macs / (FULL * macsAt(positions))).toFixed(2);
      row(steps, half, share, decibels(mean(levels[i]!)));
    }
    await components.release();
  },
);

/** Latents of an image whose first `half` steps are taken at half the resolution. */
async function drawnWith(
  model: DiffusionModel,
  denoiser: Denoiser,
  condition: Parameters<Denoiser['predict']>[3],
  { side: pixels, seed, steps, half }: { side: number; seed: number; steps: number; half: number },
): Promise<Float32Array> {
  const { latentChannels, scale } = model.autoencoder;
  const side = pixels / scale;
  const noise = gaussianNoise(seed, START_NOISE, latentChannels * side * side);
  /**
   * Takes some steps at a resolution; returns the sample after them and the clean sample that the last one predicts.
   */
  const taken = async (length: number, start: Float32Array | undefined, from: number, to: number) => {
    const plan = await denoiser.plan({ of: 'whole', height: length, width: length }, 2);
    const size = { width: length * scale, height: length * scale };
    const scheduler = schedulerFor(model, { steps }, size);
    let sample = start ?? halved(noise, side).map((value) => value * scheduler.initNoiseSigma);
    let clean = sample;
    for (let index = from; index < to; index++) {
      const timestep = scheduler.timesteps[index]!;
      const scaled = scheduler.scaleInput(sample, index);
      const { output } = await denoiser.predict(plan, scaled, timestep, condition);
      clean = scheduler.predictOriginal(output, index, sample);
      sample = scheduler.step(output, index, sample);
    }
    return { sample, clean, scheduler };
  };
  const { clean, scheduler } = await taken(side / 2, undefined, 0, half);
  const start =
    half === 0
      ? noise.map((value) => value * scheduler.initNoiseSigma)
      : scheduler.addNoise(doubled(clean, side / 2), noise, half);
  return (await taken(side, start, half, steps)).sample;
}

/** Noise [C, side, side] at half the resolution: sums of four over 2, which have the same variance. */
function halved(planes: Float32Array, side: number): Float32Array {
  const half = side / 2;
  return Float32Array.from({ length: planes.length / 4 }, (_, i) => {
    const [x, row] = [i % half, Math.floor(i / half)];
    const at = 2 * row * side + 2 * x;
    return (planes[at]! + planes[at + 1]! + planes[at + side]! + planes[at + side + 1]!) / 2;
  });
}

/** Planes [C, side, side] at twice the resolution, linearly between the positions. */
function doubled(planes: Float32Array, side: number): Float32Array {
  const wide = 2 * side;
  const near = (at: number) => {
    const place = Math.min(side - 1, Math.max(0, (at - 0.5) / 2));
    const low = Math.floor(place);
    return { low, high: Math.min(side - 1, low + 1), share: place - low };
  };
  return Float32Array.from({ length: 4 * planes.length }, (_, i) => {
    const plane = Math.floor(i / (wide * wide)) * side * side;
    const [x, y] = [near(i % wide), near(Math.floor(i / wide) % wide)];
    const along = (row: number) =>
      planes[plane + row * side + x.low]! * (1 - x.share) + planes[plane + row * side + x.high]! * x.share;
    return along(y.low) * (1 - y.share) + along(y.high) * y.share;
  });
}
