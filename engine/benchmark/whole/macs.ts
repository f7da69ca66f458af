import type { AttentionMode } from '../../../shared/api.ts';
import { readStepPlan } from '../../../shared/stepPlan.ts';
import { textLength } from '../../execution/denoiser-inputs.ts';
import { countMacs, type MacCount, sizeAt } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import type { WholeOutcome } from './case.ts';

/**
 * Splits the cost of a whole picture: all steps of the denoiser by kind and level, the rest as `other networks` of no
 * level (text encoder, autoencoder, passes that had to be recorded).
 * @param latent size of the latents that were worked on
 * @param how `guided`: whether each step computes two branches, unless its plan says otherwise
 */
export function splitMacs(
  denoiser: Network,
  latent: { height: number; width: number },
  { guided, attention }: { guided: boolean; attention?: AttentionMode },
  { macs, stepSeconds, activeFraction, workers, recipe }: WholeOutcome,
): MacCount {
  const extent = { ...latent, tokens: textLength(denoiser), batch: guided ? 2 : 1 };
  const active = activeFraction?.map((share, level) => {
    const [height, width] = sizeAt(latent, level);
    return Math.round(share * height * width);
  });
  const step = countMacs(denoiser, extent, active?.length ? active : undefined, attention);
  // Every worker computes the dense warm-up steps, so their sum is more than one worker alone would compute.
  const steps = workers
    ? workers.reduce((sum, worker) => sum + worker.macs, 0) / step.total
    : fullSteps(stepSeconds.length, recipe?.stepPlan, latent, (more) => {
        return countMacs(denoiser, { ...extent, ...more }, undefined, attention).total / step.total;
      });
  const times = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, count * steps]));
  const byKind = times(step.byKind);
  const byLevel = times(step.byLevel);
  // A sparse edit projects the text once for all steps.
  if (active?.length && step.byKind.text) {
    const repeated = step.byKind.text * (stepSeconds.length - 1);
    byKind.text! -= repeated;
    byLevel.none! -= repeated;
  }
  const counted = Object.values(byKind).reduce((a, b) => a + b, 0);
  return {
    total: macs,
    byKind: { ...byKind, 'other networks': macs - counted } as MacCount['byKind'],
    byLevel: { ...byLevel, none: (byLevel.none ?? 0) + macs - counted },
  };
}

/** The steps of an image, counted in full steps. @param shareOf what a step of another extent costs, of a full one */
function fullSteps(
  count: number,
  stepPlan: string | undefined,
  latent: { height: number; width: number },
  shareOf: (extent: { batch?: number; width?: number; height?: number }) => number,
): number {
  const { kinds = [], half = 0 } = readStepPlan(stepPlan ?? '') ?? {};
  const size = { width: latent.width / 2, height: latent.height / 2 };
  const saved = kinds.map((kind, i) => {
    const extent = { ...(i < half && size), ...(kind === 'P' && { batch: 1 }) };
    return kind !== '-' && Object.keys(extent).length > 0 ? 1 - shareOf(extent) : 0;
  });
  return count - saved.reduce((sum, share) => sum + share, 0);
}
