import type { Condition } from '../execution/condition.ts';
import { listen } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import type { Plan } from '../execution/plan.ts';
import type { FeatureStore, Features } from '../regions/store.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';

/** A picture as the process sees it: its latents, and the noise that leads to them at every step. */
export interface Process {
  /** Names the picture and everything that its recorded features depend on. */
  id: string;
  /** Clean latents [C, h, w]. */
  latent: Float32Array;
  /** Standard normal [C, h, w]: at step i the process is at `scheduler.addNoise(latent, noise, i)`. */
  noise: Float32Array;
  /** What the recorded passes are told: the prompt that the picture was made from, where it is known. */
  condition: Condition;
}

interface Recorded {
  process: Process;
  scheduler: Scheduler;
  /** Latent size. */
  height: number;
  width: number;
  /** See `batchOf`. */
  batch: number;
}

/** Computes a picture's own process over everything, to keep what edits read of it. */
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

  /** What the passes took so far for a text of so many tokens. */
  macs(tokens: number): number {
    return this.#everywhere?.macs(tokens, this.seconds.length) ?? 0;
  }

  /** The features of one step, recorded now where the store has none. @param begin called before that */
  async featuresAt(index: number, signal: AbortSignal | undefined, begin?: () => void): Promise<Features> {
    const { process, scheduler, height, width, batch } = this.#of;
    const timestep = scheduler.timesteps[index]!;
    const key = { picture: process.id, timestep };
    const known = this.#store.get(key);
    if (known) return known;
    begin?.();
    await listen(signal);
    const since = performance.now();
    this.#everywhere ??= await this.#denoiser.plan({ of: 'whole', height, width, records: true }, batch);
    const sample = scheduler.scaleInput(scheduler.addNoise(process.latent, process.noise, index), index);
    const { features } = await this.#denoiser.predict(this.#everywhere, sample, timestep, process.condition, {
      record: true,
    });
    this.#store.put(key, features!);
    this.seconds.push((performance.now() - since) / 1000);
    return features!;
  }
}

/** The first step of an edit of partial strength: what comes before is skipped. */
export function startOf({ timesteps }: Pick<Scheduler, 'timesteps'>, strength: number): number {
  const steps = timesteps.length;
  return Math.min(steps - 1, Math.max(0, steps - Math.round(steps * strength)));
}

/** How many of these steps of a picture the store has nothing of. */
export function missingSteps(store: FeatureStore, picture: string, timesteps: readonly number[]): number {
  return timesteps.filter((timestep) => !store.has({ picture, timestep })).length;
}
