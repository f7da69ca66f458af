import os from 'node:os';
import type { BenchmarkCost } from '../../engine/benchmark/cost.ts';
import { SIGHT_CASES } from '../../engine/benchmark/sight/cases/index.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import type { NamedCase } from '../../engine/benchmark/variants.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import type { BenchmarkMask, BenchmarkRequest, Precision } from '../../shared/api.ts';
import { formatSeconds } from '../../shared/format.ts';

/** A step in a precision takes this share of a float32 one. */
const PRECISION: Readonly<Record<Precision, number>> = { fp32: 1, fp16: 1, int8: 0.5, int4: 1 };
/** Seconds to load a gigabyte of float32 weights in one form. */
const LOAD = 4;
/** Seconds to start a process. */
const START = 1;
/** Assumed share of the positions for a mask of unknown area. */
const USUAL_SHARE = 0.2;
/** Encoding, decoding and everything else besides steps, as a share of a whole image's steps. */
const BESIDE = 0.25;
/** Steps of a model without a recommendation. */
const USUAL_STEPS = 20;
/** Multiply–accumulates a second and processor, if nothing was measured. */
const USUAL_RATE = 60e9;

/** Estimated time of a full float32 step of this size if none was measured. */
export function guessedStepSeconds(macs: number): number {
  return macs / (USUAL_RATE * os.availableParallelism());
}

/** Seconds of the stages of a run that take time. */
export type StageSeconds = Record<'prepare' | 'measure' | 'compare' | 'profile' | 'isolate', number>;

/** Seconds that a run takes from beginning to end. */
export function totalSeconds(stages: StageSeconds): number {
  return Object.values(stages).reduce((total, seconds) => total + seconds);
}

/**
 * How long a run will take, stage by stage.
 * @param stepSeconds of one full float32 step, with the run's threads
 */
export function predictedSeconds(
  request: BenchmarkRequest,
  { weightBytes }: Pick<BenchmarkCost, 'weightBytes'>,
  stepSeconds: number,
): StageSeconds {
  const {
    cases,
    precisions = ['fp32'],
    masks = [],
    workers = [2],
    repeat = 5,
    whole,
    devices = [''],
  } = request;
  const known: readonly NamedCase[] = whole ? WHOLE_CASES : [...STEP_CASES, ...SIGHT_CASES];
  const steps = whole ? (whole.steps ?? USUAL_STEPS) * (1 + BESIDE) : 1;
  const seconds = (precision: Precision, share: number, count: number) =>
    (stepSeconds * steps * PRECISION[precision] * share) / speedUpOf(count, request.threads);
  let runs = 0;
  let preparing = whole ? stepSeconds * steps : 0;
  let rows = 0;
  for (const name of cases) {
    const { masked, shared, work = 1 } = known.find((other) => other.name === name) ?? { masked: false };
    const shares = masked && name !== 'dense' ? masks.map(shareOf) : masked ? masks.map(() => 1) : [1];
    for (const precision of precisions) {
      // Features are recorded from one pass for all masks, of whole images for each.
      if (masked && name !== 'dense') preparing += seconds(precision, whole ? masks.length : 1, 1);
      const counts = shared ? workers : [1];
      // All masks of a case are computed by the same networks.
      preparing += counts.length * LOAD * PRECISION[precision] * (weightBytes / 1e9);
      for (const share of shares)
        for (const count of counts) {
          runs += work * seconds(precision, share, count);
          rows++;
        }
    }
  }
  // A GPU counts as fast as the processor, because it is not known here which one it is.
  const count = devices.length;
  const again = preparing + 2 * runs;
  return {
    prepare: count * preparing,
    measure: count * (repeat + 1) * runs,
    // Of single steps, dense results that the timed runs have not made yet.
    compare: whole ? 0 : count * stepSeconds * Math.max(0, masks.length - repeat - 1),
    profile: request.profile ? count * again : 0,
    isolate: request.isolate ? count * (again + START * rows) : 0,
  };
}

/** How many times faster several workers are at best, on this machine's processors. */
function speedUpOf(count: number, threads = 0): number {
  if (count === 1) return 1;
  return threads === 0 ? 1 : Math.max(1, Math.min(count, os.availableParallelism() / threads));
}

function shareOf(mask: BenchmarkMask): number {
  return 'share' in mask ? Math.min(1, 1.3 * mask.share + 0.1) : USUAL_SHARE;
}

/** A key for the request of a run: equal for equal work. Masks count by their names. */
export function askedText({ masks = [], whole, ...request }: BenchmarkRequest): string {
  const { image: _, ...rest } = whole ?? {};
  return JSON.stringify({ ...request, masks: masks.map(({ name }) => name), whole: whole && rest });
}

/** `Took 1 min 51 s last time.` */
export function lastTime(seconds: number): string {
  return `Took ${formatSeconds(seconds)} last time.`;
}

/** Runnable processes per processor above which a machine counts as busy with other work. */
const BUSY = 0.7;

/** The warning about the times of a run on a busy machine. */
export const BUSY_SENTENCE =
  'The machine is busy with other work now: a run may take several times as long, and the times measured then are too long.';

/** Whether other work on the machine makes a run take longer than usual. */
export function isBusy([load] = os.loadavg(), processors = os.availableParallelism()): boolean {
  return (load ?? 0) / processors >= BUSY;
}

/**
 * `Takes about 20 s.`
 * @param measured whether steps were measured on this machine
 */
export function predictionSentence(seconds: number, measured: boolean): string {
  return measured
    ? `Takes ${coarse(seconds)}.`
    : `Takes ${coarse(seconds)}, roughly: nothing of this size was measured here yet.`;
}

function coarse(seconds: number): string {
  if (seconds < 10) return '10 s or less';
  if (seconds < 55) return `about ${5 * Math.round(seconds / 5)} s`;
  if (seconds < 3600) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
