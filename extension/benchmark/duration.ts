import os from 'node:os';
import type { BenchmarkCost } from '../../engine/benchmark/cost.ts';
import { SIGHT_CASES } from '../../engine/benchmark/sight/cases/index.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import type { NamedCase } from '../../engine/benchmark/variants.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import type { BenchmarkMask, BenchmarkRequest, Precision } from '../../shared/api.ts';
import { formatSeconds } from '../../shared/format.ts';

/** A step in a precision takes this share of a float32 one. */
const PRECISION: Readonly<Record<Precision, number>> = { fp32: 1, int8: 0.5, int4: 1 };
/** Seconds to load a gigabyte of float32 weights in one form. */
const LOAD = 4;
/** Seconds to start a process. */
const START = 1;
/** What a mask whose area is not known makes compute, as a share. */
const USUAL_SHARE = 0.2;
/** Encoding, decoding and what else is no step, as a share of a whole image's steps. */
const BESIDE = 0.25;
/** Steps of a model that says nothing of them. */
const USUAL_STEPS = 20;
/** Multiply–accumulates a second and processor, where nothing was measured. */
const USUAL_RATE = 25e9;

/** What a full float32 step of this size takes where none was measured: a rough guess. */
export function guessedStepSeconds(macs: number): number {
  return macs / (USUAL_RATE * os.availableParallelism());
}

/**
 * Seconds that a run takes from beginning to end.
 * @param stepSeconds of one full float32 step, with the run's threads
 */
export function predictedSeconds(
  request: BenchmarkRequest,
  { weightBytes }: Pick<BenchmarkCost, 'weightBytes'>,
  stepSeconds: number,
): number {
  const { cases, precisions = ['fp32'], masks = [], workers = [2], repeat = 5, whole } = request;
  const known: readonly NamedCase[] = whole ? WHOLE_CASES : [...STEP_CASES, ...SIGHT_CASES];
  const steps = whole ? (whole.steps ?? USUAL_STEPS) * (1 + BESIDE) : 1;
  const seconds = (precision: Precision, share: number, count: number) =>
    (stepSeconds * steps * PRECISION[precision] * share) / speedUpOf(count, request.threads);
  let runs = 0;
  let preparing = whole ? stepSeconds * steps : 0;
  let rows = 0;
  for (const name of cases) {
    const { masked, shared } = known.find((other) => other.name === name) ?? { masked: false };
    const shares = masked && name !== 'dense' ? masks.map(shareOf) : masked ? masks.map(() => 1) : [1];
    for (const precision of precisions) {
      // Features are recorded from one pass for all masks, of whole images for each.
      if (masked && name !== 'dense') preparing += seconds(precision, whole ? masks.length : 1, 1);
      for (const share of shares)
        for (const count of shared ? workers : [1]) {
          runs += seconds(precision, share, count);
          preparing += LOAD * PRECISION[precision] * (weightBytes / 1e9);
          rows++;
        }
    }
  }
  const again = (request.profile ? 1 : 0) + (request.isolate ? 1 : 0);
  return (
    (repeat + 1) * runs + preparing + again * (preparing + 2 * runs) + (request.isolate ? START * rows : 0)
  );
}

/** How many times faster several workers are at best, on this machine's processors. */
function speedUpOf(count: number, threads = 0): number {
  if (count === 1) return 1;
  return threads === 0 ? 1 : Math.max(1, Math.min(count, os.availableParallelism() / threads));
}

function shareOf(mask: BenchmarkMask): number {
  return 'share' in mask ? Math.min(1, 1.3 * mask.share + 0.1) : USUAL_SHARE;
}

/** What a run is asked for, as a text: the same for the same work. Masks count by their names. */
export function askedText({ masks = [], whole, ...request }: BenchmarkRequest): string {
  const { image: _, ...rest } = whole ?? {};
  return JSON.stringify({ ...request, masks: masks.map(({ name }) => name), whole: whole && rest });
}

/** `Took 1 min 51 s last time.` */
export function lastTime(seconds: number): string {
  return `Took ${formatSeconds(seconds)} last time.`;
}

/** How many times longer work takes beside what else the machine does now, about: 1 where it does nothing. */
export function slowdown([load] = os.loadavg(), processors = os.availableParallelism()): number {
  return 1 + Math.max(0, load ?? 0) / processors;
}

/** Below this, what else the machine does is not worth a word. */
const NOTICED = 1.4;

/**
 * `Takes about 20 s.`
 * @param measured whether steps were measured on this machine
 * @param slower see `slowdown`
 */
export function predictionSentence(seconds: number, measured: boolean, slower = 1): string {
  const rounded = coarse(seconds);
  const sentence = measured
    ? `Takes ${rounded}.`
    : `Takes ${rounded}, roughly: nothing of this size was measured here yet.`;
  const isBusy = slower >= NOTICED && coarse(slower * seconds) !== rounded;
  return isBusy
    ? `${sentence} The machine is busy with other work now: it may take ${coarse(slower * seconds)}.`
    : sentence;
}

function coarse(seconds: number): string {
  if (seconds < 10) return '10 s or less';
  if (seconds < 55) return `about ${5 * Math.round(seconds / 5)} s`;
  if (seconds < 3600) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
