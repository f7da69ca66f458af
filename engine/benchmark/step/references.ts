import type { Mask } from '../../regions/mask.ts';
import type { Quality } from '../trial.ts';
import type { StepRun } from './case.ts';

/**
 * Dense float32 outputs, one for each sample. They come from the timed runs of the dense case, which takes the samples
 * in turn because its time does not depend on their values.
 */
export class References {
  readonly #samples: readonly Float32Array[];
  readonly #outputs = new Map<Float32Array, Float32Array>();
  #dense: StepRun | undefined;

  /** @param samples the first is the input of cases without a mask */
  constructor(samples: readonly Float32Array[]) {
    this.#samples = samples;
  }

  /** Takes outputs from `dense`. */
  from(dense: StepRun): void {
    this.#dense = dense;
  }

  async run(round: number): Promise<void> {
    await this.#run(this.#samples[round % this.#samples.length]!);
  }

  /** PSNR of an output [C, h, w] against the dense one for the same sample; null without a dense case. */
  async quality(sample: Float32Array, output: Float32Array, mask?: Mask): Promise<Quality | null> {
    if (!this.#dense) return null;
    const reference = this.#outputs.get(sample) ?? (await this.#run(sample));
    return { psnr: decibels(output, reference, mask), psnrWhole: decibels(output, reference) };
  }

  async #run(sample: Float32Array): Promise<Float32Array> {
    const output = await this.#dense!.run(sample);
    this.#outputs.set(sample, output);
    return output;
  }
}

/** Peak signal-to-noise ratio of network outputs [C, h, w], the peak being the range of the reference. */
export function decibels(output: Float32Array, reference: Float32Array, mask?: Mask): number {
  let [low, high, squares, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  const positions = mask?.data.length ?? reference.length;
  for (const [i, value] of reference.entries()) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (mask && !mask.data[i % positions]) continue;
    squares += (output[i]! - value) ** 2;
    count++;
  }
  return 10 * Math.log10((high - low) ** 2 / (squares / count));
}
