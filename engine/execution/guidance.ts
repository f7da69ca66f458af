import { float32, type Tensor } from '../graph/tensor.ts';

/** What the denoiser is told beside the sample. Text rows: the prompt's, then the negative prompt's if guided. */
export interface Condition {
  /** [B, L, C], B = 2 with guidance, 1 without. */
  text: Tensor;
  /** Classifier-free guidance scale (Ho & Salimans 2022). */
  guidance: number;
  /** Further inputs of the U-Net, e.g. SDXL's `text_embeds` and `time_ids`. */
  extra?: Record<string, Tensor>;
}

/** Pictures in one run of the network. */
export function batchOf(condition: Condition): number {
  return condition.text.dims[0]!;
}

/** The U-Net's inputs, the sample given as planes or rows of one picture (`dims` without the batch). */
export function unetInputs(
  sample: Float32Array,
  dims: readonly number[],
  timestep: number,
  condition: Condition,
): Record<string, Tensor> {
  const batch = batchOf(condition);
  const repeated = new Float32Array(sample.length * batch);
  for (let i = 0; i < batch; i++) repeated.set(sample, i * sample.length);
  return {
    ...condition.extra,
    sample: float32(repeated, [batch, ...dims]),
    timestep: float32(Float32Array.of(timestep), [1, 1]),
    encoder_hidden_states: condition.text,
  };
}

/** negative + scale · (positive − negative), from the outputs of both branches one after the other. */
export function guide(output: Float32Array, condition: Condition): Float32Array {
  if (batchOf(condition) === 1) return output;
  const half = output.length / 2;
  const guided = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    const negative = output[half + i]!;
    guided[i] = negative + condition.guidance * (output[i]! - negative);
  }
  return guided;
}
