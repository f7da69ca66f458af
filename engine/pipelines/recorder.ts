import type { Condition } from '../execution/condition.ts';
import { listen } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import type { Plan } from '../execution/plan.ts';
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

interface Recorded {
  trajectory: Trajectory;
  scheduler: Scheduler;
  /** Latent size. */
  height: number;
  width: number;
  /** See `batchOf`. */
  batch: number;
}

/** Computes an image's own trajectory densely, to record the features that edits read. */
export class Recorder {
  readonly #denoiser: Denoiser;
  readonly #store: FeatureStore;
  readonly #of: Recorded;
  #everywhere: Plan | undefined;
  /** Wall time of each pass that was recorded. */
  readonly seconds: number[] = [];

  constructor(denoiser: Denoiser, store: FeatureStore, of: Recorded) {
    this.#denoiser = denoiser;
    this.#store = store;
    this.#of = of;
  }

  /** Multiply–accumulates of the passes so far, for a text of `tokens` tokens. */
  macs(tokens: number): number {
    return this.#everywhere?.macs(tokens, this.seconds.length) ?? 0;
  }

  /** The features of a step, recorded now if the store has none. @param begin called before recording */
  async featuresAt(index: number, signal: AbortSignal | undefined, begin?: () => void): Promise<Features> {
    const { trajectory, scheduler, height, width, batch } = this.#of;
    const timestep = scheduler.timesteps[index]!;
    const key = { picture: trajectory.id, timestep };
    const known = this.#store.get(key);
    if (known) return known;
    begin?.();
    await listen(signal);
    const since = performance.now();
    this.#everywhere ??= await this.#denoiser.plan({ of: 'whole', height, width, records: true }, batch);
    const sample = scheduler.scaleInput(
      scheduler.addNoise(trajectory.latent, trajectory.noise, index),
      index,
    );
    const { features } = await this.#denoiser.predict(
      this.#everywhere,
      sample,
      timestep,
      trajectory.condition,
      {
        record: true,
      },
    );
    this.#store.put(key, features!);
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

/** Number of these steps of an image that are not in the store. */
export function missingSteps(store: FeatureStore, picture: string, timesteps: readonly number[]): number {
  return timesteps.filter((timestep) => !store.has({ picture, timestep })).length;
}
