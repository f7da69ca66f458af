import type { FloatPrecision, Precision } from '../../shared/api.ts';

export type QuantizedPrecision = Exclude<Precision, FloatPrecision>;

/**
 * How a weight is stored: as float; as int8 with a scale for each column, for products of bytes; or in blocks of 8 or 4
 * bits, which are multiplied as float32, so that activations are not rounded.
 */
export type WeightForm = 'float' | 'int8' | 'blocks-8' | 'blocks-4';
