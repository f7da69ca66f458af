import { NO_RECORD, type RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { listen } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { takePositions } from '../execution/latents.ts';
import { fullSteps } from '../execution/step-kinds.ts';
import { Steps } from '../execution/steps.ts';
import { workedSize } from '../pictures/window.ts';
import { centredMask } from '../regions/mask.ts';
import type { FeatureStore } from '../regions/store.ts';
import type { Analysis } from './edit-cache.ts';
import type { RecordedImage } from './recorder.ts';

/** Share of the image in the part that is computed. */
const SHARE = 0.1;

/**
 * Computes a part of a recorded image as an edit does, for one step, and discards it. This loads what only edits need and
 * gives ONNX Runtime the memory for a part's maps, so that the first edit need not wait for it.
 */
export async function rehearse(
  denoiser: Denoiser,
  features: FeatureStore,
  autoencoder: RegionAutoencoder,
  { trajectory, scheduler, height, width, kinds, start }: RecordedImage & { start: number },
  { window, decoded, encoded, planes }: Analysis & { planes: Float32Array },
  signal?: AbortSignal,
): Promise<void> {
  const mask = centredMask(height, width, SHARE);
  const part = { of: 'region', mask, ring: denoiser.ring } as const;
  const computed = kinds ?? fullSteps(scheduler, start);
  const steps = await Steps.open(denoiser, part, scheduler, trajectory.condition, computed, start);
  const { latent, id } = trajectory;
  const { timesteps } = scheduler;
  const way = steps.wayAt(start);
  const seen = way !== undefined && features.get({ picture: id, timestep: timesteps[start]!, way });
  await listen(signal);
  if (seen) {
    const sample = takePositions(latent, mask.data.length, steps.plan.positions!);
    await steps.predict(sample, start, { seen, record: true });
  }
  await listen(signal);
  const size = workedSize(window);
  const known = decoded ?? { data: planes, record: NO_RECORD };
  await autoencoder.decodeRegion(latent, size.width, size.height, known, mask);
  if (encoded) await autoencoder.encodeRegion(planes, size.width, size.height, encoded, mask);
}
