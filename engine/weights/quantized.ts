/** How quantized weights are stored. */
import type { WeightForm } from '../graph/weight-form.ts';
import type { StoredTensor } from './source.ts';

/** Rows in a block. */
export const BLOCK = 32;

/**
 * How a weight is laid out as the right matrix [K, N] of a product over rows: a linear map; half of a GEGLU; the nine taps
 * of a 3×3 convolution, stacked; or the four taps of a folded upsampling, for one parity class.
 */
export type Layout = 'linear' | `half.${number}` | 'window' | `corner.${number}`;

/** A quantized matrix [K, N]: int8 [K, N] with scales [N], or blocks in the layout of `MatMulNBits`. */
export interface QuantizedMatrix {
  readonly form: Exclude<WeightForm, 'float'>;
  readonly rows: number;
  readonly columns: number;
  readonly values: StoredTensor;
  readonly scale: StoredTensor;
  /** For blocks, [N, blocks]: added to every value of a block. */
  readonly minimum?: StoredTensor;
}

/** A quantized table of embeddings: int8 [size, C] with a scale for each row [size, 1]. */
export interface QuantizedRows {
  readonly values: StoredTensor;
  readonly scale: StoredTensor;
}
