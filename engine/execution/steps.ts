import type { StepKind } from '../../shared/stepPlan.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { batchOf, branchOf, type Condition } from './condition.ts';
import type { Denoiser, Depth, Prediction, PredictOptions, Region, Whole } from './denoiser.ts';
import type { Plan } from './plan.ts';
import { FORECAST_FROM, isGuidedStep, isShallow, sourceOf, wayOf } from './step-kinds.ts';

type Deep = Tensor & { type: 'float32' };

/** The steps of an image or a part of it, each computed as a step plan says. */
export class Steps {
  readonly #denoiser: Denoiser;
  readonly #scheduler: Scheduler;
  readonly #condition: Condition;
  readonly #alone: Condition;
  /** By step; undefined before the first one that is computed. */
  readonly #kinds: readonly (StepKind | undefined)[];
  readonly #plans: ReadonlyMap<string, Plan>;
  /** Deep features of the last full step. */
  #deep: { index: number; features: Deep } | undefined;
  /** What the last computed steps predict as the clean sample, oldest first. */
  readonly #originals: { index: number; original: Float32Array }[] = [];

  private constructor(
    denoiser: Denoiser,
    scheduler: Scheduler,
    condition: Condition,
    kinds: readonly (StepKind | undefined)[],
    plans: ReadonlyMap<string, Plan>,
  ) {
    this.#denoiser = denoiser;
    this.#scheduler = scheduler;
    this.#condition = condition;
    this.#alone = batchOf(condition) > 1 ? branchOf(condition, 0) : condition;
    this.#kinds = kinds;
    this.#plans = plans;
  }

  /**
   * Loads the forms of the network that the steps need.
   * @param start the first of the steps; absent: `kinds` are those of the last steps
   */
  static async open(
    denoiser: Denoiser,
    what: Whole | Region,
    scheduler: Scheduler,
    condition: Condition,
    kinds: readonly StepKind[] = scheduler.timesteps.map(() => 'F'),
    start = scheduler.timesteps.length - kinds.length,
  ): Promise<Steps> {
    const gives = kinds.some(isShallow);
    const plans = new Map<string, Plan>();
    for (const kind of kinds) {
      if (kind === '-') continue;
      const { key, depth, batch } = formOf(kind, batchOf(condition), gives);
      if (!plans.has(key)) plans.set(key, await denoiser.plan({ ...what, ...(depth && { depth }) }, batch));
    }
    const before = new Array<undefined>(start).fill(undefined);
    return new Steps(denoiser, scheduler, condition, [...before, ...kinds], plans);
  }

  /** The same steps for another condition. */
  with(condition: Condition): Steps {
    return new Steps(this.#denoiser, this.#scheduler, condition, this.#kinds, this.#plans);
  }

  /** A plan of these steps; all have the same positions. */
  get plan(): Plan {
    return this.#plans.values().next().value!;
  }

  /** The plan of a step; undefined if nothing is computed. */
  planAt(index: number): Plan | undefined {
    const kind = this.#kinds[index];
    if (!kind || kind === '-') return undefined;
    const gives = this.#kinds.some((one) => one && isShallow(one));
    return this.#plans.get(formOf(kind, batchOf(this.#condition), gives).key);
  }

  /** See `wayOf`. */
  wayAt(index: number): string | undefined {
    return wayOf(this.#kinds, this.#scheduler.timesteps, index);
  }

  /** The step whose deep features a step reads. */
  sourceAt(index: number): number | undefined {
    const kind = this.#kinds[index];
    return kind && isShallow(kind) ? sourceOf(this.#kinds, index) : undefined;
  }

  /** Whether the deep features that a step reads have been stored, if it reads any. */
  isReady(index: number): boolean {
    const source = this.sourceAt(index);
    return source === undefined || source === this.#deep?.index;
  }

  /**
   * Multiply–accumulates of the steps from `start` on, for a text of `tokens` tokens, which is read once for each form.
   */
  macs(tokens: number, start: number): number {
    const runs = new Map<Plan, number>();
    for (let index = start; index < this.#kinds.length; index++) {
      const plan = this.planAt(index);
      if (plan) runs.set(plan, (runs.get(plan) ?? 0) + 1);
    }
    return [...runs].reduce((sum, [plan, count]) => sum + plan.macs(tokens, count), 0);
  }

  /** The guided output at a step, for a scaled sample. */
  async predict(
    sample: Float32Array,
    index: number,
    options: Pick<PredictOptions, 'seen' | 'record'> = {},
  ): Promise<Prediction> {
    const kind = this.#kinds[index];
    if (kind === '-') return { output: this.#forecast(sample, index) };
    const plan = this.planAt(index)!;
    const condition = kind && isGuidedStep(kind) ? this.#condition : this.#alone;
    const deep = kind && isShallow(kind) ? { deep: this.#deepAt(index, batchOf(condition)) } : {};
    const timestep = this.#scheduler.timesteps[index]!;
    const prediction = await this.#denoiser.predict(plan, sample, timestep, condition, {
      ...options,
      ...deep,
    });
    if (prediction.deep) this.#deep = { index, features: prediction.deep };
    if (this.#kinds.includes('-')) this.#remember(sample, index, prediction.output);
    return prediction;
  }

  #remember(sample: Float32Array, index: number, output: Float32Array): void {
    const original = this.#scheduler.predictOriginal(output, index, this.#unscaled(sample, index));
    this.#originals.push({ index, original });
    if (this.#originals.length > FORECAST_FROM) this.#originals.shift();
  }

  /**
   * The output whose clean sample continues those of the last computed steps, along a line over the
   * steps (order 1 of TaylorSeer, arXiv:2503.06923, on the denoised result as Spectrum has it, arXiv:2603.01623).
   */
  #forecast(sample: Float32Array, index: number): Float32Array {
    const [before, last] = this.#originals.slice(-FORECAST_FROM);
    const latest = last ?? before;
    if (!latest || !before) throw new Error('a step is forecast before one is computed');
    const at = (step: number) => this.#scheduler.timesteps[step]!;
    const reach = last ? (at(index) - at(last.index)) / (at(last.index) - at(before.index)) : 0;
    const original = latest.original.map((value, i) => value + reach * (value - before.original[i]!));
    // The clean sample is linear in sample and output: own · sample + gain · output.
    const weigh = (output: number, x: number) =>
      this.#scheduler.predictOriginal(Float32Array.of(output), index, Float32Array.of(x))[0]!;
    const [own, gain] = [weigh(0, 1), weigh(1, 0)];
    const x = this.#unscaled(sample, index);
    return original.map((value, i) => (value - own * x[i]!) / gain);
  }

  #unscaled(sample: Float32Array, index: number): Float32Array {
    const factor = this.#scheduler.scaleInput(Float32Array.of(1), index)[0]!;
    return factor === 1 ? sample : sample.map((value) => value / factor);
  }

  /** The deep features of the last full step, for as many branches. */
  #deepAt(index: number, batch: number): Deep {
    if (!this.#deep || !this.isReady(index))
      throw new Error('a step reuses deep features that no step has given');
    const { features: deep } = this.#deep;
    const [branches = 1, ...dims] = deep.dims;
    if (branches === batch) return deep;
    return float32(deep.data.slice(0, deep.data.length / branches), [batch, ...dims]);
  }
}

/** Multiply–accumulates of some steps over a whole image. Loads nothing. */
export function stepsMacs(
  denoiser: Denoiser,
  kinds: readonly StepKind[],
  size: { height: number; width: number },
  condition: Condition,
): number {
  const tokens = condition.text.dims[1]!;
  const macsOf = (kind: StepKind): number => {
    if (kind === '-') return 0;
    const { depth, batch } = formOf(kind, batchOf(condition), false);
    return denoiser.stepMacs(size, batch, tokens, depth);
  };
  const known = new Map([...new Set(kinds)].map((kind) => [kind, macsOf(kind)]));
  return kinds.reduce((sum, kind) => sum + known.get(kind)!, 0);
}

function formOf(kind: StepKind, branches: number, gives: boolean) {
  const batch = isGuidedStep(kind) ? branches : 1;
  const depth: Depth | undefined = isShallow(kind) ? 'shallow' : gives ? 'giving' : undefined;
  return { key: `${depth ?? 'plain'} ${batch}`, depth, batch };
}
