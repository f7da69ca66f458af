export const PRECISIONS = ['fp32', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];

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
