import type { EditingUNet } from '../execution/components.ts';
import { type DenoiseOptions, denoise, listen, type Predict } from '../execution/denoise.ts';
import { rowsPredict } from '../execution/dense-unet.ts';
import { isDense } from '../execution/feeds.ts';
import { batchOf, type Condition } from '../execution/guidance.ts';
import type { LatentDims } from '../execution/latents.ts';
import type { Pass, Region } from '../execution/rows-unet.ts';
import type { Mask } from '../regions/mask.ts';
import { activeFractions, activeMasks } from '../regions/plan.ts';
import type { Recorded } from '../regions/recorded.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { FeatureStore } from '../regions/store.ts';
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

export interface RepaintRequest {
  process: Process;
  scheduler: Scheduler;
  /** First step; steps before it are skipped for an edit of partial strength. */
  start: number;
  /** At latent size: the positions that are painted. */
  mask: Mask;
  condition: Condition;
  /** Noise [C, h, w] that the masked part starts from. */
  noise: Float32Array;
  /** Noise [C, h, w] that a stochastic sampler draws at a step. */
  stepNoise: (index: number) => Float32Array;
}

export interface Repainted {
  /** [C, h, w]: the process's latents with the masked part painted anew. */
  latent: Float32Array;
  /** Multiply–accumulates of the U-Net for the masked part, and for passes that had to be recorded first. */
  macs: number;
  recordingMacs: number;
  recordedSteps: number;
  /** Wall time of each recorded pass. */
  recordSeconds: number[];
  activeFraction: number[];
  /** The positions that were computed, level by level from the finest; none where all were. */
  active: Mask[];
  /** Puts the new picture's features into the store, where those of the old one still are, so that edits stack. */
  remember?: (picture: string) => Promise<void>;
}

export type Callbacks = Pick<DenoiseOptions, 'signal'> & {
  /** `latent` computes the picture as this step sees it. */
  onStep?: (index: number, latent: () => Float32Array) => void | Promise<void>;
  /** Called before a pass is recorded. */
  onRecord?: (index: number) => void;
};

/**
 * Paints the masked part anew, computing only its rows and a `ring` around it (see `planRegion`), which stays on the
 * picture's own process. Rows outside are read from features of that process, which are recorded first where the store
 * has none.
 */
export async function repaintSparse(
  unets: EditingUNet,
  store: FeatureStore,
  request: RepaintRequest,
  ring: number,
  callbacks: Callbacks = {},
): Promise<Repainted> {
  const { process, scheduler, start, mask, condition } = request;
  const { signal } = callbacks;
  const channels = channelsOf(process.latent, mask);
  const batch = batchOf(condition);
  const tokens = condition.text.dims[1]!;
  const { editing, region, recording } = await editedRegion(unets, mask, batch, ring);
  const recordSeconds: number[] = [];
  let everywhere: Region | undefined;
  const recordedAt = async (index: number): Promise<Recorded> => {
    const timestep = scheduler.timesteps[index]!;
    const key = { picture: process.id, timestep };
    const known = store.get(key);
    if (known) return known;
    callbacks.onRecord?.(index);
    await listen(signal);
    const begin = performance.now();
    everywhere ??= editing.dense(mask.height, mask.width, batch);
    const all = everywhere.plan.levels[0]!.active;
    const planes = scheduler.scaleInput(scheduler.addNoise(process.latent, process.noise, index), index);
    const sample = toRows(planes, 1, channels, all);
    const unet = await recording();
    const pass = await unet.run(everywhere, sample, timestep, process.condition, { features: true });
    const recorded = unet.recorded(everywhere, pass);
    store.put(key, recorded);
    recordSeconds.push((performance.now() - begin) / 1000);
    return recorded;
  };
  const passes = new Map<number, Pass>();
  const predict: Predict = async (sample, index) => {
    const recorded = await recordedAt(index);
    await listen(signal);
    const timestep = scheduler.timesteps[index]!;
    const pass = await editing.run(region, sample, timestep, condition, { recorded, features: true });
    passes.set(timestep, pass);
    return pass.output;
  };
  const remember = async (picture: string) => {
    for (const [timestep, pass] of passes) {
      await listen();
      const recorded = store.get({ picture: process.id, timestep });
      if (recorded) store.put({ picture, timestep }, editing.updated(recorded, region, pass));
    }
  };
  const latent = await paintRows(predict, request, region.plan.levels[0]!.active, callbacks);
  const steps = scheduler.timesteps.length - start;
  return {
    latent,
    macs: editing.macs(region, tokens, steps),
    recordingMacs: everywhere ? editing.macs(everywhere, tokens, recordSeconds.length) : 0,
    recordedSteps: recordSeconds.length,
    recordSeconds,
    activeFraction: activeFractions(region.plan),
    active: activeMasks(region.plan),
    remember,
  };
}

/** The region of a mask and the form that computes it: where it covers everything, the one that can run densely. */
async function editedRegion(
  { editing, recording }: EditingUNet,
  mask: Mask,
  batch: number,
  ring: number,
): Promise<EditingUNet & { region: Region }> {
  const region = editing.region(mask, batch, ring);
  return { editing: isDense(region.plan) ? await recording() : editing, region, recording };
}

/**
 * Denoises the rows of some positions, of which those outside the mask stay on the picture's own process; `predict` takes
 * and gives rows. Gives the process's latents with the masked part painted anew.
 */
export async function paintRows(
  predict: Predict,
  { process, scheduler, start, mask, noise, stepNoise }: RepaintRequest,
  at: Int32Array,
  { signal, onStep }: Callbacks,
): Promise<Float32Array> {
  const channels = channelsOf(process.latent, mask);
  const rowsOf = (planes: Float32Array) => toRows(planes, 1, channels, at);
  const isPainted = at.map((position) => mask.data[position]!);
  const keepRing = (rows: Float32Array, known: Float32Array) =>
    rows.map((value, i) => (isPainted[Math.floor(i / channels)] ? value : known[i]!));
  const clean = rowsOf(process.latent);
  const own = rowsOf(process.noise);
  const known = (index: number) =>
    index < scheduler.timesteps.length ? scheduler.addNoise(clean, own, index) : clean;
  const withRows = (rows: Float32Array) => {
    const planes = process.latent.slice();
    overPlanes(planes, keepRing(rows, clean), 1, channels, at);
    return planes;
  };
  const begin = keepRing(scheduler.addNoise(clean, rowsOf(noise), start), known(start));
  const painted = await denoise(predict, scheduler, begin, {
    start,
    signal,
    noise: (index) => rowsOf(stepNoise(index)),
    constrain: (sample, index) => keepRing(sample, known(index + 1)),
    onStep: (index, _, original) => onStep?.(index, () => withRows(original())),
  });
  return withRows(painted);
}

/** Prediction over everything, keeping the features of every step. Samples are planes [C, h, w] (`dims`). */
export async function recordingPredict(
  { recording }: EditingUNet,
  store: FeatureStore,
  picture: string,
  scheduler: Pick<Scheduler, 'timesteps'>,
  dims: LatentDims,
  condition: Condition,
): Promise<Predict> {
  const unet = await recording();
  return rowsPredict(unet, scheduler, dims, condition, (timestep, region, pass) =>
    store.put({ picture, timestep }, unet.recorded(region, pass)),
  );
}

/** The same edit computing every position at every step, with the part outside the mask kept on its own process. */
export async function repaintDense(
  predict: Predict,
  request: RepaintRequest,
  macsPerStep: number,
  callbacks: Callbacks = {},
): Promise<Repainted> {
  const { process, scheduler, start, mask } = request;
  const positions = mask.data.length;
  const keepOutside = (painted: Float32Array, outside: Float32Array) =>
    painted.map((value, i) => (mask.data[i % positions] ? value : outside[i]!));
  const steps = scheduler.timesteps.length;
  const begin = keepOutside(
    scheduler.addNoise(process.latent, request.noise, start),
    scheduler.addNoise(process.latent, process.noise, start),
  );
  const painted = await denoise(predict, scheduler, begin, {
    start,
    signal: callbacks.signal,
    noise: request.stepNoise,
    constrain: (sample, index) => {
      const next = index + 1;
      const outside = next < steps ? scheduler.addNoise(process.latent, process.noise, next) : process.latent;
      return keepOutside(sample, outside);
    },
    onStep: (index, _, original) => callbacks.onStep?.(index, () => keepOutside(original(), process.latent)),
  });
  return {
    latent: painted,
    macs: (steps - start) * macsPerStep,
    recordingMacs: 0,
    recordedSteps: 0,
    recordSeconds: [],
    activeFraction: [],
    active: [],
  };
}

function channelsOf(latent: Float32Array, mask: Mask): number {
  return latent.length / mask.data.length;
}
