export const PRECISIONS = ['fp32', 'fp16', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Precisions in which weights are used as they are stored. */
export type FloatPrecision = 'fp32' | 'fp16';

export function isFloat(precision: Precision): precision is FloatPrecision {
  return precision === 'fp32' || precision === 'fp16';
}

/** Precisions of a processor, which has no products in float16. */
export const PROCESSOR_PRECISIONS: readonly Precision[] = PRECISIONS.filter((name) => name !== 'fp16');

export const ATTENTIONS = ['full', 'sampled'] as const;
/**
 * Which positions a position attends to: all, or on large maps one of every 2×2, which is an approximation that makes
 * attention four times cheaper there (token downsampling; Smith et al., ToDo, 2024).
 */
export type AttentionMode = (typeof ATTENTIONS)[number];

/** How a U-Net is computed. */
export interface Arithmetic {
  precision: Precision;
  /** `full` if absent. */
  attention?: AttentionMode;
}
