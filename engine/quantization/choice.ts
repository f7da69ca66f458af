import type { Precision } from '../api.ts';
import type { Product } from './layers.ts';

export type QuantizedPrecision = Exclude<Precision, 'fp32'>;

/**
 * Layers that stay float32, by the name of their weight; docs/measurements.md has the effect of each. Everything passes
 * through the first and the last convolution and the first downsampling; shortcuts read sums that no norm has evened
 * out. All of them are small. int4 is too coarse for the first residual block. What comes from the timestep moves whole
 * maps, and is computed once for all edits.
 */
const FLOAT_LAYERS: Readonly<Record<QuantizedPrecision, readonly RegExp[]>> = {
  int8: [
    /^conv_in\./,
    /^conv_out\./,
    /^down_blocks\.0\.downsamplers\./,
    /\.conv_shortcut\./,
    /^time_embedding\./,
    /\.time_emb_proj\./,
    /^add_embedding\./,
  ],
  int4: [
    /^conv_in\./,
    /^conv_out\./,
    /^down_blocks\.0\.resnets\.0\./,
    /^down_blocks\.0\.downsamplers\./,
    /\.conv_shortcut\./,
  ],
};

export function isQuantized({ weight }: Product, precision: QuantizedPrecision): boolean {
  return !FLOAT_LAYERS[precision].some((pattern) => pattern.test(weight.name));
}
