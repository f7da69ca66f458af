import { fs, path } from '#host';
import { denoise } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { float32 } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Checkpoint } from './checkpoint.ts';
import { conditionInputs, SAMPLER_LIMIT } from './networks.ts';
import type { Comparison, Reference } from './reference.ts';

/**
 * Inpainting by a model that sees the mask, with every scheduler config that there are latents for, at full strength and
 * from a later step. The U-Net takes the latents, the mask and the masked picture's latents side by side.
 */
export async function compareInpainting(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  if (!expected.has('inpaint.mask_latent')) return [];
  const comparisons: Comparison[] = [];
  const noise = await expected.tensor('inpaint.noise');
  const [, channels, height, width] = noise.dims as [number, number, number, number];
  const known = await expected.floats('inpaint.masked_image_latents');
  const mask = await expected.floats('inpaint.mask_latent');
  const planes = float32(Float32Array.of(...mask, ...known), [1 + channels, height, width]);
  const guidance = Number(expected.metadata('guidance_scale') ?? 1);
  const condition = { ...conditionOf(await conditionInputs(expected), guidance), planes };
  const unet = await checkpoint.program('denoiser');
  const folder = path.join(checkpoint.root, 'schedulers');
  for (const file of (await fs.readdir(folder)).filter((name) => name.endsWith('.json')).sort())
    for (const strength of ['s100', 's60']) {
      const name = `inpaint.${path.basename(file, '.json')}.${strength}`;
      if (!expected.has(`${name}.timesteps`)) continue;
      const steps = Number(expected.metadata('steps'));
      const scheduler = createScheduler(await readJson(path.join(folder, file)), steps);
      const start = steps - expected.shape(`${name}.timesteps`)[0]!;
      const timesteps = Float32Array.from(scheduler.timesteps.slice(start));
      comparisons.push(await expected.compare(`${name}.timesteps`, timesteps));
      const predict = planarPredict(unet, scheduler, [channels, height, width], condition);
      await denoise(predict, scheduler, await expected.floats(`${name}.start`), {
        start,
        noise: () => new Float32Array(),
        onStep: async (index, sample) => {
          const latent = `${name}.latent.${index - start}`;
          if (expected.has(latent)) comparisons.push(await expected.compare(latent, sample, SAMPLER_LIMIT));
        },
      });
    }
  return comparisons;
}
