import type { Predict } from '../execution/denoise.ts';
import { putPositions, takePositions } from '../execution/latents.ts';
import type { EditedPicture, SharedRun } from '../execution/shared-run.ts';
import type { Network } from '../graph/network.ts';
import { activeFractions, activeMasks, planRegion } from '../regions/plan.ts';
import { ringsOf } from '../regions/rings.ts';
import { type Callbacks, paintAt, type Repainted, type RepaintRequest } from './repaint.ts';

/** What workers need to know of an image whose masked part they repaint. */
export function editedPicture(
  { trajectory, scheduler, mask }: Pick<RepaintRequest, 'trajectory' | 'scheduler' | 'mask'>,
  ring: number,
): EditedPicture {
  const { id, condition, latent, noise } = trajectory;
  const sampleAt = (index: number) => scheduler.scaleInput(scheduler.addNoise(latent, noise, index), index);
  return { id, condition, mask, ring, sampleAt };
}

/**
 * Repaints the masked part as `repaintSparse` does, with its rows divided among workers. Each of them records the
 * features of its branches of the image's own trajectory and keeps them for later edits.
 */
export async function repaintShared(
  run: SharedRun,
  network: Network,
  request: RepaintRequest,
  ring: number,
  callbacks: Callbacks,
): Promise<Repainted> {
  const { trajectory, mask } = request;
  const size = mask.data.length;
  const plan = planRegion(mask, ringsOf(network, ring));
  const at = plan.levels[0]!.active;
  const nothing = new Float32Array(trajectory.latent.length);
  const predict: Predict = async (sample, index) =>
    takePositions(await run.predict(putPositions(nothing, sample, size, at), index), size, at);
  const latent = await paintAt(predict, request, at, callbacks);
  const remember = (id: string) => run.keep(id).finally(() => run.end());
  return {
    latent,
    macs: run.report().reduce((total, { macs }) => total + macs, 0),
    recordingMacs: run.recordingMacs,
    recordedSteps: run.recordSeconds.length,
    recordSeconds: run.recordSeconds,
    activeFraction: activeFractions(plan),
    active: activeMasks(plan),
    ...(run.canKeep && { remember }),
  };
}
