/** How fast this machine computes dense denoiser steps, from which the time of a full recompute is estimated. */
import os from 'node:os';
import { benchmarkCost } from '../engine/benchmark/cost.ts';
import { median } from '../engine/benchmark/timing.ts';
import type { BenchmarkRequest, BenchmarkResult, GenerateRequest, Recipe } from '../shared/api.ts';
import { LIMITS } from '../shared/limits.ts';
import { stepsByPositions, wholeStepsOf } from '../shared/stepPlan.ts';
import { type Storage, StoredList } from './storedList.ts';

/** One U-Net step over a whole picture. */
export interface DenseStep {
  /** Its name in requests; empty for the embedded one. */
  model: string;
  precision: string;
  /** 0: the engine's default. */
  threads: number;
  macs: number;
}

/** Times of steps of one kind on one machine. */
interface Sample extends DenseStep {
  machine: string;
  /** The latest. */
  seconds: number[];
}

interface StepTime {
  seconds: number;
  /** Number of steps that were measured. */
  steps: number;
}

const KEY = 'patchwork.fullSteps';
/** Most steps that are kept of each kind, and most kinds. */
const KEPT = { seconds: 30, samples: 60 };
/** Steps whose operations differ by less than this share count as one size. */
const SAME_SIZE = 0.01;
/** Steps of other models count if their operations differ by less than a factor of eight; its logarithm. */
const NEAR = Math.log(8);

export class DenseSpeed {
  readonly #samples: StoredList<Sample>;
  readonly #machine: string;

  constructor(storage: Storage, machine = machineName()) {
    this.#samples = new StoredList(storage, KEY, KEPT.samples, isSample);
    this.#machine = machine;
  }

  /** Records the time of steps. */
  async note(step: DenseStep, seconds: readonly number[]): Promise<void> {
    if (seconds.length === 0) return;
    const isSame = (sample: Sample) => this.#isLike(sample, step) && sample.macs === step.macs;
    const known = this.#samples.all.find(isSame)?.seconds ?? [];
    const sample: Sample = {
      ...step,
      machine: this.#machine,
      seconds: [...known, ...seconds].slice(-KEPT.seconds),
    };
    await this.#samples.add(sample, isSame);
  }

  /**
   * Records the steps of a finished image. Throws nothing, because the image matters more than the record.
   * @returns such a step, if its operations could be counted
   */
  async learn(
    request: Pick<GenerateRequest, 'model' | 'threads'>,
    recipe: Recipe,
    seconds: readonly number[],
  ): Promise<DenseStep | undefined> {
    try {
      const step = await denseStepOf(request, recipe);
      await this.note(step, wholeSteps(recipe, seconds));
      return step;
    } catch {
      return undefined;
    }
  }

  /**
   * Time of a step, scaled by operations from the nearest size that was measured.
   * @param sameSize only what was measured at this size counts
   * @param of what is taken of the times; the fastest for what other work disturbs more than a step
   */
  stepTime(
    step: DenseStep,
    { sameSize = false, of = median }: { sameSize?: boolean; of?: (seconds: number[]) => number } = {},
  ): StepTime | undefined {
    const distance = ({ macs }: Sample) => Math.abs(Math.log(macs / step.macs));
    const [nearest] = this.#samples.all
      .filter((sample) => this.#isLike(sample, step) && (!sameSize || distance(sample) < SAME_SIZE))
      .sort((a, b) => distance(a) - distance(b));
    if (!nearest) return undefined;
    const seconds = (of(nearest.seconds) * step.macs) / nearest.macs;
    return { seconds, steps: nearest.seconds.length };
  }

  /**
   * Time of a step with this many operations, from float32 steps of any model on this machine, if one is near in size.
   */
  stepTimeOfAny(macs: number): number | undefined {
    const distance = (sample: Sample) => Math.abs(Math.log(sample.macs / macs));
    const [nearest] = this.#samples.all
      .filter((sample) => sample.machine === this.#machine && sample.precision === 'fp32')
      // Small networks make less of the processor than large ones.
      .filter((sample) => distance(sample) < NEAR)
      .sort((a, b) => distance(a) - distance(b));
    return nearest && (median(nearest.seconds) * macs) / nearest.macs;
  }

  #isLike({ machine, model, precision, threads }: Sample, step: DenseStep): boolean {
    return (
      machine === this.#machine &&
      model === step.model &&
      precision === step.precision &&
      threads === step.threads
    );
  }
}

/** The step that a request's picture is made of, with guidance or without; where its plan has both, with it. */
export async function denseStepOf(
  { model, threads = 0 }: Pick<GenerateRequest, 'model' | 'threads'>,
  {
    precision,
    guidance,
    width,
    height,
    stepPlan,
  }: Pick<Recipe, 'precision' | 'guidance' | 'width' | 'height' | 'stepPlan'>,
): Promise<DenseStep> {
  const [across, down] = [width, height].map((side) => Math.min(side, LIMITS.size.max));
  const { stepMacs } = await benchmarkCost({ model, width: across, height: down });
  const isAlone = guidance === 1 || wholeStepsOf(stepPlan) === 'P';
  return { model: model ?? '', precision, threads, macs: isAlone ? stepMacs / 2 : stepMacs };
}

/** Cases that compute all of a U-Net's steps. */
const DENSE = ['dense', 'generate'];

/** Records the dense steps of a benchmark. */
export async function noteBenchmark(
  speed: DenseSpeed,
  { model = '', threads = 0 }: BenchmarkRequest,
  { report: { rows, steps, width, height } }: BenchmarkResult,
): Promise<void> {
  if (!rows.some(({ case: name }) => DENSE.includes(name))) return;
  const { stepMacs } = await benchmarkCost({ model: model || undefined, width, height });
  for (const { case: name, precision, attention, macs, seconds, stepSeconds } of rows) {
    if (!DENSE.includes(name) || attention === 'sampled') continue;
    const single = steps === null;
    const step = { model, precision, threads, macs: single ? macs : stepMacs };
    await speed.note(step, single ? seconds : stepSeconds);
  }
}

function machineName(): string {
  const cores = os.cpus();
  return `${cores[0]?.model ?? os.arch()}, ${cores.length}`;
}

/** The stored state may come from another version. */
function isSample(value: unknown): value is Sample {
  const { machine, model, precision, threads, macs, seconds } = (value ?? {}) as Partial<Sample>;
  return (
    [machine, model, precision].every((text) => typeof text === 'string') &&
    typeof threads === 'number' &&
    macs! > 0 &&
    Array.isArray(seconds) &&
    seconds.length > 0 &&
    seconds.every((each) => each > 0)
  );
}

/** Of the times of a recipe's computed steps, those of steps that compute the whole network at the whole resolution. */
function wholeSteps({ stepPlan }: Recipe, seconds: readonly number[]): readonly number[] {
  if (!wholeStepsOf(stepPlan)) return [];
  const { whole } = stepsByPositions(stepPlan, seconds.length);
  return seconds.slice(seconds.length - whole);
}
