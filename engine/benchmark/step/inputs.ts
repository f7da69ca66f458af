import type { CalibrationRuns } from '../../execution/calibration.ts';
import type { Components } from '../../execution/components.ts';
import type { Condition } from '../../execution/condition.ts';
import { needsOf, TEXT_MASK, textLength } from '../../execution/denoiser-inputs.ts';
import type { Extent } from '../../graph/macs.ts';
import { int64 } from '../../graph/tensor.ts';
import { gaussianTensor } from '../../noise.ts';
import type { Mask } from '../../regions/mask.ts';
import { remembered } from '../../remembered.ts';

/** The timestep of every case. */
export const TIMESTEP = 500;
const GUIDANCE = 7.5;
/** Noise streams of the inputs; zeros would distort timings. */
const STREAMS = { original: 0, edited: 1, text: 2, vectors: 3, planes: 4 };

/** Inputs shared by all cases. Latents are [C, h, w]. */
export class StepInputs {
  readonly extent: Extent;
  readonly channels: number;
  readonly condition: Condition;
  /** Noised latents of an image. */
  readonly original: Float32Array;
  readonly #other: Float32Array;
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #samples = new Map<Mask | undefined, Float32Array>();

  constructor(components: Components, size: { height: number; width: number }, guidance: boolean) {
    const { scale, latentChannels } = components.model.autoencoder;
    const network = components.network('denoiser');
    this.channels = latentChannels;
    this.extent = {
      height: size.height / scale,
      width: size.width / scale,
      batch: guidance ? 2 : 1,
      tokens: textLength(network),
    };
    const { height, width, batch, tokens } = this.extent;
    const noise = (stream: number, ...dims: number[]) => gaussianTensor(1, stream, dims);
    const { text: channels, vectors: needed, channels: sample } = needsOf(network);
    if (channels === 0) throw new Error('the denoiser takes no text');
    const text = noise(STREAMS.text, batch, tokens, channels);
    const vectors: Condition['vectors'] = {};
    for (const [role, count] of needed) vectors[role] = noise(STREAMS.vectors, batch, count);
    const more = sample - latentChannels;
    const planes = more > 0 ? { planes: noise(STREAMS.planes, more, height, width) } : {};
    const mask = network.inputs.has(TEXT_MASK) && {
      textMask: int64(new BigInt64Array(batch * tokens).fill(1n), [batch, tokens]),
    };
    this.condition = { text, ...mask, guidance: GUIDANCE, vectors, ...planes };
    this.original = noise(STREAMS.original, latentChannels, height, width).data;
    this.#other = noise(STREAMS.edited, latentChannels, height, width).data;
  }

  /** A value that several cases derive from these inputs, by key: made on first use. */
  once<Made>(key: string, make: () => Promise<Made>): Promise<Made> {
    return remembered(this.#made as Map<string, Promise<Made>>, key, make);
  }

  /** The original with other values under the mask, or everywhere; cached by mask. */
  sample(mask?: Mask): Float32Array {
    let sample = this.#samples.get(mask);
    if (!sample) {
      const positions = this.extent.height * this.extent.width;
      sample = this.#other.map((value, i) => (mask && !mask.data[i % positions] ? this.original[i]! : value));
      this.#samples.set(mask, sample);
    }
    return sample;
  }
}

/** Calibrates on the benchmark's own inputs, because a synthetic model has no typical ones. */
export function noiseRuns({ original, channels, extent, condition }: StepInputs): CalibrationRuns {
  return async (run) => {
    await run(original, [channels, extent.height, extent.width], TIMESTEP, condition);
  };
}
