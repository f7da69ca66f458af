import type { StepKind } from '../../shared/stepPlan.ts';
import type { Condition } from '../execution/condition.ts';
import { listen } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import type { Plan } from '../execution/plan.ts';
import { waysOf } from '../execution/step-kinds.ts';
import { Steps } from '../execution/steps.ts';
import type { FeatureStore, Features } from '../regions/store.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';

/** The path of an image through the diffusion process: its latents, and the noise added to them at every step. */
export interface Trajectory {
  /** Identifies the image and everything that its recorded features depend on. */
  id: string;
  /** Clean latents [C, h, w]. */
  latent: Float32Array;
  /** Standard normal [C, h, w]: at step i the trajectory is at `scheduler.addNoise(latent, noise, i)`. */
  noise: Float32Array;
  /** Condition of the recorded passes: the prompt that the image was generated from, if known. */
  condition: Condition;
}

/** What is recorded of an image. */
export interface RecordedImage {
  trajectory: Trajectory;
  scheduler: Scheduler;
  /** Latent size. */
  height: number;
  width: number;
  /** Kinds of the steps from `start` on; absent: all are computed in full. */
  kinds?: readonly StepKind[] | undefined;
  /** Absent: `kinds` are those of the last steps. */
  start?: number;
}

/** Computes an image's own trajectory densely, to record the features that edits read. */
export class Recorder {
  readonly #denoiser: Denoiser;
  readonly #store: FeatureStore;
  readonly #of: RecordedImage;
  #steps: Steps | undefined;
  readonly #recorded: number[] = [];
  /** Wall time of each pass that was recorded. */
  readonly seconds: number[] = [];

  constructor(denoiser: Denoiser, store: FeatureStore, of: RecordedImage) {
    this.#denoiser = denoiser;
    this.#store = store;
    this.#of = of;
  }

  /** Multiply–accumulates of the passes so far, for a text of `tokens` tokens. */
  macs(tokens: number): number {
    const runs = new Map<Plan, number>();
    for (const index of this.#recorded) {
      const plan = this.#steps!.planAt(index)!;
      runs.set(plan, (runs.get(plan) ?? 0) + 1);
    }
    return [...runs].reduce((sum, [plan, count]) => sum + plan.macs(tokens, count), 0);
  }

  /** The features of a step, recorded now if the store has none. @param begin called before recording */
  async featuresAt(
    index: number,
    way: string,
    signal: AbortSignal | undefined,
    begin?: () => void,
  ): Promise<Features> {
    const { trajectory, scheduler } = this.#of;
    const known = this.#store.get({ picture: trajectory.id, timestep: scheduler.timesteps[index]!, way });
    if (known) return known;
    begin?.();
    await listen(signal);
    this.#steps ??= await this.#open();
    // What was recorded earlier has left no deep features.
    if (!this.#steps.isReady(index)) await this.#record(this.#steps.sourceAt(index)!, signal);
    return this.#record(index, signal);
  }

  #open(): Promise<Steps> {
    const { trajectory, scheduler, height, width, kinds, start } = this.#of;
    const whole = { of: 'whole', height, width, records: true } as const;
    return Steps.open(this.#denoiser, whole, scheduler, trajectory.condition, kinds, start);
  }

  async #record(index: number, signal: AbortSignal | undefined): Promise<Features> {
    const { trajectory, scheduler } = this.#of;
    await listen(signal);
    const since = performance.now();
    const sample = scheduler.scaleInput(
      scheduler.addNoise(trajectory.latent, trajectory.noise, index),
      index,
    );
    const { features } = await this.#steps!.predict(sample, index, { record: true });
    const key = { picture: trajectory.id, timestep: scheduler.timesteps[index]! };
    this.#store.put({ ...key, way: this.#steps!.wayAt(index) }, features!);
    this.#recorded.push(index);
    this.seconds.push((performance.now() - since) / 1000);
    return features!;
  }
}

/** The first step of an edit of partial strength; earlier steps are skipped. */
export function startOf(
  { timesteps, runs = 1 }: Pick<Scheduler, 'timesteps' | 'runs'>,
  strength: number,
): number {
  const steps = timesteps.length;
  const first = Math.min(steps - 1, Math.max(0, steps - Math.round(steps * strength)));
  return first - (first % runs);
}

/** Number of the steps from `start` on whose features are not in the store. */
export function missingSteps(
  store: FeatureStore,
  picture: string,
  timesteps: readonly number[],
  start: number,
  kinds?: readonly StepKind[],
): number {
  return waysOf(timesteps, start, kinds).filter(
    ({ timestep, way }) => way !== undefined && !store.has({ picture, timestep, way }),
  ).length;
}
