import type { Tensor } from '../graph/tensor.ts';

/** Vectors that some denoisers take in addition to the text. */
export const VECTOR_ROLES = [
  /** The prompt's embedding [B, C] (SDXL). */
  'pooled',
  /** Original size, crop and target size in pixels [B, 6] (SDXL). */
  'size',
  /** The embedded guidance scale [1, C] of guidance-distilled models. */
  'guidance',
  /** The guidance scale itself [1, 1], which such a model embeds (SANA-Sprint). */
  'scale',
] as const;
export type VectorRole = (typeof VECTOR_ROLES)[number];

/**
 * A denoiser's inputs beside the sample, by role; the denoiser maps roles to its network's inputs. The batch is the
 * prompt, then the negative prompt if guided.
 */
export interface Condition {
  /** [B, L, C], B = 2 with guidance, 1 without. */
  text: Tensor;
  /** 1 for tokens that are read, 0 for padding: int64 [B, L]. All are read if absent. */
  textMask?: Tensor;
  /** Classifier-free guidance scale (Ho & Salimans 2022). */
  guidance: number;
  vectors?: Partial<Record<VectorRole, Tensor>>;
  /**
   * Planes [C, h, w] at latent size that an inpainting model sees behind the sample's own channels, the same for both
   * branches: the mask, then the latents of the picture without what is under it.
   */
  planes?: Tensor;
}

/** Images in one run of the network. */
export function batchOf(condition: Condition): number {
  return condition.text.dims[0]!;
}

/** negative + scale · (positive − negative), from the concatenated outputs of both branches. */
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

/** Condition of one branch of guidance: 0 is the prompt's, 1 the negative prompt's; undefined keeps both. */
export function branchOf(condition: Condition, branch: number | undefined): Condition {
  if (branch === undefined) return condition;
  const batch = batchOf(condition);
  const part = (tensor: Tensor): Tensor => {
    if (tensor.dims[0] !== batch) return tensor;
    const length = tensor.data.length / batch;
    const data = tensor.data.slice(branch * length, (branch + 1) * length);
    return { ...tensor, data, dims: [1, ...tensor.dims.slice(1)] } as Tensor;
  };
  const vectors = Object.entries(condition.vectors ?? {}).map(([role, tensor]) => [role, part(tensor)]);
  const { text, textMask: mask } = condition;
  const tokens = { text: part(text), ...(mask && { textMask: part(mask) }) };
  return { ...condition, ...tokens, guidance: 1, vectors: Object.fromEntries(vectors) };
}
