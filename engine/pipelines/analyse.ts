import type { Arithmetic } from '../../shared/api.ts';
import { batchOf, type Condition } from '../execution/condition.ts';
import type { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { latentDims } from '../execution/latents.ts';
import { gaussianNoise, START_NOISE } from '../noise.ts';
import type { Picture } from '../pictures/read.ts';
import { type PictureWindow, workedSize } from '../pictures/window.ts';
import {
  type Analysis,
  type EditCache,
  featuresOwner,
  findAnalysis,
  keepAnalysis,
  seedOf,
} from './edit-cache.ts';
import { recordingPlanes } from './inpainting.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';

/** An image to edit, as the network sees it. */
interface Seen {
  picture: Picture;
  window: PictureWindow;
  /** Planes of the window [3, height, width], −1 … 1. */
  planes: Float32Array;
  /** Condition of the edit. */
  condition: Condition;
  arithmetic: Arithmetic;
  /** Timesteps of the edit's steps, including those that are skipped. */
  timesteps: readonly number[];
}

/** The latents and trajectory of an image, remembered or computed now. */
export async function analyse(
  ready: ReadyModel,
  memory: EditCache,
  autoencoder: RegionAutoencoder,
  { picture, window, planes, condition, arithmetic, timesteps }: Seen,
): Promise<{ analysis: Analysis; macs: number }> {
  const { width, height } = workedSize(window);
  const batch = batchOf(condition);
  const owner = featuresOwner(ready, arithmetic);
  const known = await findAnalysis(memory, owner, planes, window, batch);
  // One of tiles has no record.
  if (known && (known.decoded || !autoencoder.needsRecord)) return { analysis: known, macs: 0 };
  const encoded = await autoencoder.encode(planes, width, height);
  const decoded = autoencoder.needsRecord ? await autoencoder.decode(encoded.data, width, height) : undefined;
  // The image's own prompt, if its file has one; the empty prompt for a photograph. Regions are the edit's.
  const { prompt = '', negativePrompt = '' } = picture.recipe ?? {};
  const own = await conditionFor(
    { ...ready, regions: undefined },
    prompt,
    negativePrompt,
    condition.guidance,
    window,
    timesteps,
  );
  const dims = latentDims(ready.model.autoencoder, { width, height });
  const shown = recordingPlanes(ready.components, encoded.data, dims);
  const seed = await seedOf(planes);
  const analysis: Analysis = {
    window,
    trajectory: {
      id: crypto.randomUUID(),
      latent: encoded.data,
      noise: gaussianNoise(seed, START_NOISE, encoded.data.length),
      condition: { ...own.condition, ...shown },
    },
    decoded,
    ...(shown.planes && { encoded }),
  };
  await keepAnalysis(memory, owner, planes, batch, analysis);
  return { analysis, macs: encoded.macs + (decoded?.macs ?? 0) };
}
