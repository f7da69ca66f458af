import { float32, floats, type Session, type Tensor } from '../runtime/runtime.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';

/** What the denoiser is told beside the sample. Text rows: the prompt's, then the negative prompt's if guided. */
export interface Condition {
  /** [B, L, C], B = 2 with guidance, 1 without. */
  text: Tensor;
  /** Classifier-free guidance scale (Ho & Salimans 2022). */
  guidance: number;
  /** Further inputs of the U-Net, e.g. SDXL's `text_embeds` and `time_ids`. */
  extra?: Record<string, Tensor>;
}

/** One network run: the guided output for `sample` [1, C, H, W] (`dims`) at a timestep. */
export async function predict(
  unet: Session,
  sample: Float32Array,
  dims: readonly number[],
  timestep: number,
  condition: Condition,
): Promise<Float32Array> {
  const batch = condition.text.dims[0]!;
  const repeated = new Float32Array(sample.length * batch);
  for (let i = 0; i < batch; i++) repeated.set(sample, i * sample.length);
  const outputs = await unet.run({
    ...condition.extra,
    sample: float32(repeated, [batch, ...dims.slice(1)]),
    timestep: float32(Float32Array.of(timestep), [1, 1]),
    encoder_hidden_states: condition.text,
  });
  const out = floats(outputs, 'out');
  if (batch === 1) return out;
  const [positive, negative] = [out.subarray(0, sample.length), out.subarray(sample.length)];
  return positive.map((value, i) => negative[i]! + condition.guidance * (value - negative[i]!));
}

export interface DenoiseOptions {
  /** Standard normal noise for a step of a stochastic sampler. */
  noise: (index: number) => Float32Array;
  signal?: AbortSignal;
  /** Called after each step; `original` computes the clean sample that this step saw. */
  onStep?: (index: number, sample: Float32Array, original: () => Float32Array) => void | Promise<void>;
}

/** The reverse process from `sample`, all steps of the scheduler; gives the final latents. */
export async function denoise(
  unet: Session,
  scheduler: Scheduler,
  sample: Float32Array,
  dims: readonly number[],
  condition: Condition,
  options: DenoiseOptions,
): Promise<Float32Array> {
  let current = sample;
  for (const [index, timestep] of scheduler.timesteps.entries()) {
    await listen(options.signal);
    const before = current;
    const input = scheduler.scaleInput(before, index);
    const output = await predict(unet, input, dims, timestep, condition);
    const original = () => scheduler.predictOriginal(output, index, before);
    current = scheduler.step(output, index, before, scheduler.stochastic ? options.noise(index) : undefined);
    await options.onStep?.(index, current, original);
  }
  await listen(options.signal);
  return current;
}

/** Lets messages in, a cancellation among them: a network run blocks the thread. */
export async function listen(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  signal?.throwIfAborted();
}
