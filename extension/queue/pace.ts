import type { GenerateRequest, GenerateResult } from '../../shared/api.ts';
import { isInFull } from '../../shared/stepPlan.ts';
import { type Storage, StoredList } from '../storedList.ts';

/** How long a step took, and all but loading and the steps: reading the prompt and decoding. */
export interface Times {
  stepSeconds: number;
  otherSeconds: number;
}

/** How long the parts of an image took. */
export interface Sample extends Times {
  /** Everything that the speed depends on, besides the size. */
  key: string;
  pixels: number;
  /** As asked for; 0: the model's default. */
  askedSteps: number;
  steps: number;
}

const KEY = 'patchwork.pace';
const KEPT = 40;
const LOADS = 'patchwork.loads';
const KEPT_LOADS = 20;

/** Times of images on this machine, from which those of the next ones are predicted. */
export class Pace {
  readonly #samples: StoredList<Sample>;
  /** Seconds of loading, by `loadKey`. */
  readonly #loads: StoredList<[key: string, seconds: number]>;
  /** Multiply–accumulates in a second of small networks, for as long as no image was timed; undefined if unknown. */
  readonly firstSpeed: number | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(storage: Storage, firstSpeed?: number) {
    this.firstSpeed = firstSpeed;
    this.#samples = new StoredList(storage, KEY, KEPT, isSample);
    this.#loads = new StoredList(storage, LOADS, KEPT_LOADS, isLoad);
  }

  /** Calls `listener` whenever an image was timed; returns a function that ends this. */
  onDidNote(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async note(request: GenerateRequest<unknown>, result: Omit<GenerateResult, 'picture'>): Promise<void> {
    const { recipe } = result;
    const times = timesOf(result);
    // Times are estimated from the full process; other plans' steps take less.
    if (!times || !isInFull(recipe.stepPlan) || recipe.budget !== undefined) return;
    const sample: Sample = {
      key: keyOf(request),
      pixels: recipe.width * recipe.height,
      askedSteps: request.steps ?? 0,
      steps: recipe.steps,
      ...times,
    };
    await this.#samples.add(
      sample,
      ({ key, pixels, askedSteps }) =>
        key === sample.key && pixels === sample.pixels && askedSteps === sample.askedSteps,
    );
    for (const listener of this.#listeners) listener();
  }

  /** Times of the image that is most like the requested one, scaled by their pixels. Undefined if there is none. */
  like(
    request: GenerateRequest<unknown>,
  ): { steps: number; stepSeconds: number; otherSeconds: number; loadSeconds?: number } | undefined {
    const { width, height, steps = 0, budget = 1 } = request;
    const alike = this.#samples.all.filter(({ key }) => key === keyOf(request));
    const pixels = width && height ? width * height : undefined;
    const distance = (sample: Sample) =>
      (pixels ? Math.abs(Math.log(sample.pixels / pixels)) : 0) + (sample.askedSteps === steps ? 0 : 1e-3);
    const [nearest] = alike.sort((a, b) => distance(a) - distance(b));
    if (!nearest) return undefined;
    const scale = pixels ? pixels / nearest.pixels : 1;
    const loadSeconds = this.#loads.all.find(([key]) => key === loadKey(request))?.[1];
    return {
      steps: budget * (steps || nearest.steps),
      stepSeconds: nearest.stepSeconds * scale,
      otherSeconds: nearest.otherSeconds * scale,
      ...(loadSeconds !== undefined && { loadSeconds }),
    };
  }

  /** Remembers how long a model was being loaded. */
  async noteLoad(key: string, seconds: number): Promise<void> {
    await this.#loads.add([key, seconds], ([other]) => other === key);
  }

  /** Seconds that an image takes, loading left out. */
  seconds(request: GenerateRequest<unknown>): number | undefined {
    const like = this.like(request);
    return like && like.steps * like.stepSeconds + like.otherSeconds;
  }
}

/** Times of a finished run; undefined if it had no steps. */
export function timesOf({
  stepSeconds,
  seconds,
  loadSeconds,
}: Pick<GenerateResult, 'stepSeconds' | 'seconds' | 'loadSeconds'>): Times | undefined {
  if (stepSeconds.length === 0) return undefined;
  const inSteps = stepSeconds.reduce((a, b) => a + b, 0);
  return {
    stepSeconds: inSteps / stepSeconds.length,
    otherSeconds: Math.max(0, seconds - loadSeconds - inSteps),
  };
}

/** What the speed depends on, besides the size. */
export function keyOf({
  model,
  precision,
  guidance,
  threads,
  workers,
  decoder,
}: GenerateRequest<unknown>): string {
  return JSON.stringify([
    ...[model ?? 'scenes', precision ?? '', guidance === 1, threads ?? 0, workers ?? 0, decoder ?? 'own'],
  ]);
}

/** What loading depends on. */
export function loadKey({
  model,
  precision,
  threads,
  loras,
  vae,
  textEncoders,
  prediction,
  decoder,
}: GenerateRequest<unknown>): string {
  return JSON.stringify([
    model ?? 'scenes',
    precision ?? '',
    threads ?? 0,
    loras ?? [],
    vae ?? '',
    textEncoders ?? [],
    prediction ?? '',
    decoder ?? 'own',
  ]);
}

function isLoad(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number' && value[1] > 0;
}

/** The stored state may come from another version. */
function isSample(value: unknown): value is Sample {
  const { key, pixels, askedSteps, steps, stepSeconds, otherSeconds } = (value ?? {}) as Partial<Sample>;
  return (
    typeof key === 'string' &&
    [pixels, steps, stepSeconds].every((number) => typeof number === 'number' && number > 0) &&
    [askedSteps, otherSeconds].every((number) => typeof number === 'number' && number >= 0)
  );
}
