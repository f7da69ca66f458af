import type { StepKind } from '../../shared/stepPlan.ts';
import type { Condition } from '../execution/condition.ts';
import { type DenoiseOptions, denoise, listen, type Predict } from '../execution/denoise.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { putPositions, takePositions } from '../execution/latents.ts';
import type { Steps } from '../execution/steps.ts';
import type { Mask } from '../regions/mask.ts';
import type { FeatureStore, Features } from '../regions/store.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { Recorder, type Trajectory } from './recorder.ts';

export interface RepaintRequest {
  trajectory: Trajectory;
  scheduler: Scheduler;
  /** Latents [C, h, w] that the masked part starts from; the image's own if absent. */
  origin?: Float32Array | undefined;
  /** First step; steps before it are skipped for an edit of partial strength, or were taken at half the resolution. */
  start: number;
  /** The step after the last; absent: all are taken. Before the end the result is what the last step predicts. */
  end?: number;
  /** The repainted positions, at latent size. */
  mask: Mask;
  condition: Condition;
  /** What the steps from `start` to `end` compute; everything if absent. */
  kinds?: StepKind[] | undefined;
  /** Noise [C, h, w] from which the masked part starts. */
  noise: Float32Array;
  /** Noise [C, h, w] that a stochastic sampler draws at a step. */
  stepNoise: (index: number) => Float32Array;
}

export interface Repainted {
  /** The image's latents [C, h, w] with the masked part repainted. */
  latent: Float32Array;
  /** Multiply–accumulates of the denoiser for the masked part, and for passes that were recorded first. */
  macs: number;
  recordingMacs: number;
  recordedSteps: number;
  /** Wall time of each recorded pass. */
  recordSeconds: number[];
  activeFraction: number[];
  /** The positions that were computed, level by level from the finest; empty if all were. */
  active: Mask[];
  /** Stores the new image's features, if those of the old one are still in the store, so that edits can follow. */
  remember?: (picture: string) => Promise<void>;
}

export type Callbacks = Pick<DenoiseOptions, 'signal'> & {
  /** `latent` computes the clean latents predicted at this step. */
  onStep?: (index: number, latent: () => Float32Array) => void | Promise<void>;
  /** Called before a pass is recorded. */
  onRecord?: (index: number) => void;
};

/**
 * Repaints the masked part, computing only its positions and a ring around it, whose latents follow the image's own
 * trajectory. Positions outside are read from recorded features of that trajectory, which are recorded first if
 * missing.
 */
export async function repaintSparse(
  denoiser: Denoiser,
  region: Steps,
  store: FeatureStore,
  request: RepaintRequest,
  callbacks: Callbacks = {},
): Promise<Repainted> {
  const { trajectory, scheduler, start, mask, condition, kinds } = request;
  const { signal } = callbacks;
  const { height, width } = mask;
  const { plan } = region;
  const recorder = new Recorder(denoiser, store, {
    trajectory,
    scheduler,
    height,
    width,
    kinds,
    start,
  });
  const fresh = new Map<number, Features>();
  const predict: Predict = async (sample, index) => {
    const way = region.wayAt(index);
    if (way === undefined) return (await region.predict(sample, index)).output;
    const seen = await recorder.featuresAt(index, way, signal, () => callbacks.onRecord?.(index));
    await listen(signal);
    const { output, features } = await region.predict(sample, index, { seen, record: true });
    fresh.set(index, features!);
    return output;
  };
  const remember = async (picture: string) => {
    for (const [index, features] of fresh) {
      await listen();
      const key = { timestep: scheduler.timesteps[index]!, way: region.wayAt(index) };
      const seen = store.get({ picture: trajectory.id, ...key });
      const own = region.planAt(index)!;
      const updated = seen && (await denoiser.updated(seen, own, features));
      if (updated) store.put({ picture, ...key }, updated);
    }
    await listen();
    await denoiser.settle?.(mask);
  };
  const latent = await paintAt(predict, request, plan.positions!, callbacks);
  const tokens = condition.text.dims[1]!;
  return {
    latent,
    macs: region.macs(tokens, start),
    recordingMacs: recorder.macs(tokens),
    recordedSteps: recorder.seconds.length,
    recordSeconds: recorder.seconds,
    activeFraction: plan.computed.fractions,
    active: plan.computed.masks,
    remember,
  };
}

/**
 * Denoises some positions, of which those outside the mask stay on the picture's own trajectory. `predict` takes and
 * returns planes [C, n] of the positions `at`. Resolves with the trajectory's latents, the masked part repainted.
 */
export async function paintAt(
  predict: Predict,
  { trajectory, origin = trajectory.latent, scheduler, start, end, mask, noise, stepNoise }: RepaintRequest,
  at: Int32Array,
  { signal, onStep }: Callbacks,
): Promise<Float32Array> {
  const size = mask.data.length;
  const taken = (planes: Float32Array) => takePositions(planes, size, at);
  const isPainted = at.map((position) => mask.data[position]!);
  const keepRing = (sample: Float32Array, known: Float32Array) =>
    sample.map((value, i) => (isPainted[i % at.length] ? value : known[i]!));
  const clean = taken(trajectory.latent);
  const own = taken(trajectory.noise);
  const known = (index: number) =>
    index < scheduler.timesteps.length ? scheduler.addNoise(clean, own, index) : clean;
  const laidIn = (sample: Float32Array) => putPositions(trajectory.latent, keepRing(sample, clean), size, at);
  const begin = keepRing(beginning(scheduler, taken(origin), taken(noise), start), known(start));
  let predicted: (() => Float32Array) | undefined;
  const painted = await denoise(predict, scheduler, begin, {
    start,
    ...(end !== undefined && { end }),
    signal,
    noise: (index) => taken(stepNoise(index)),
    constrain: (sample, index) => keepRing(sample, known(index + 1)),
    onStep: (index, _, original) => {
      if (index + 1 === end && end < scheduler.timesteps.length) predicted = original;
      return onStep?.(index, () => laidIn(original()));
    },
  });
  return laidIn(predicted?.() ?? painted);
}

/** Dense prediction that stores the features of every step. */
export function recordingPredict(
  steps: Steps,
  store: FeatureStore,
  picture: string,
  timesteps: readonly number[],
): Predict {
  return async (sample, index) => {
    const { output, features } = await steps.predict(sample, index, { record: true });
    if (features) store.put({ picture, timestep: timesteps[index]!, way: steps.wayAt(index) }, features);
    return output;
  };
}

/** The same edit with every position computed; the part outside the mask follows the image's own trajectory. */
export async function repaintDense(
  predict: Predict,
  request: RepaintRequest,
  macs: number,
  callbacks: Callbacks = {},
): Promise<Repainted> {
  const { trajectory, origin = trajectory.latent, scheduler, start, end, mask } = request;
  const positions = mask.data.length;
  const keepOutside = (painted: Float32Array, outside: Float32Array) =>
    painted.map((value, i) => (mask.data[i % positions] ? value : outside[i]!));
  const steps = scheduler.timesteps.length;
  const begin = keepOutside(
    beginning(scheduler, origin, request.noise, start),
    scheduler.addNoise(trajectory.latent, trajectory.noise, start),
  );
  let predicted: (() => Float32Array) | undefined;
  const painted = await denoise(predict, scheduler, begin, {
    start,
    ...(end !== undefined && { end }),
    signal: callbacks.signal,
    noise: request.stepNoise,
    constrain: (sample, index) => {
      const next = index + 1;
      const outside =
        next < steps ? scheduler.addNoise(trajectory.latent, trajectory.noise, next) : trajectory.latent;
      return keepOutside(sample, outside);
    },
    onStep: (index, _, original) => {
      const clean = () => keepOutside(original(), trajectory.latent);
      if (index + 1 === end && end < steps) predicted = clean;
      return callbacks.onStep?.(index, clean);
    },
  });
  return {
    latent: predicted?.() ?? painted,
    macs,
    recordingMacs: 0,
    recordedSteps: 0,
    recordSeconds: [],
    activeFraction: [],
    active: [],
  };
}

/** Start of the masked part: at full strength noise alone, without anything of the image or of its colours. */
function beginning(
  scheduler: Scheduler,
  clean: Float32Array,
  noise: Float32Array,
  start: number,
): Float32Array {
  if (start > 0) return scheduler.addNoise(clean, noise, start);
  return noise.map((value) => value * scheduler.initNoiseSigma);
}
