import type { Precision } from '../api.ts';
import type { Network } from '../graph/network.ts';
import type { Value } from '../graph/values.ts';
import type { Product } from './layers.ts';

export type QuantizedPrecision = Exclude<Precision, 'fp32'>;

/**
 * How a weight is kept: as it is; as int8, a scale a column, for products of bytes; or in blocks of 8 or 4 bits, read as
 * float32, so that what is multiplied by them is not rounded.
 */
export type Form = 'float' | 'int8' | 'blocks-8' | 'blocks-4';

/** The form of most weights. */
export const USUAL_FORM = { int8: 'int8', int4: 'blocks-4' } as const satisfies Record<
  QuantizedPrecision,
  Form
>;

/**
 * Layers that are kept in a finer form than most, by the name of their weight; docs/measurements.md has the effect of
 * each. Everything passes through the first and the last convolution and, of bytes, the first downsampling; shortcuts
 * read sums that no norm has evened out, so that only their weights are rounded. For 4 bits the fine levels are the
 * sensitive ones, on which few of the weights lie, and what leads into transformers and out of them.
 */
const SENSITIVE: Readonly<Record<QuantizedPrecision, readonly (readonly [RegExp, Form])[]>> = {
  int8: [
    [/^conv_(in|out)\./, 'float'],
    [/^down_blocks\.0\.downsamplers\./, 'float'],
    [/\.conv_shortcut\./, 'blocks-8'],
  ],
  int4: [
    [/^conv_(in|out)\./, 'float'],
    [/^down_blocks\.[01]\./, 'blocks-8'],
    [/\.conv_shortcut\./, 'blocks-8'],
    [/\.proj_(in|out)\./, 'blocks-8'],
  ],
};

/**
 * The form of each of a network's weights. Text encoders run once for a picture and take memory, not time: their weights
 * are kept in blocks of 8 bits, and what they multiply, in which single numbers can be very large, is not rounded. 4 bits
 * were tried: docs/measurements.md.
 */
export function formsOf({ name }: Network, precision: QuantizedPrecision): (product: Product) => Form {
  if (name === 'text-encoder') return () => 'blocks-8';
  return (product) => formOf(product, precision);
}

export function formOf(product: Product, precision: QuantizedPrecision): Form {
  const { weight, input, output } = product;
  const known = SENSITIVE[precision].find(([pattern]) => pattern.test(weight.name));
  if (known) return known[1];
  if (precision === 'int4' && (isFinest(input) || isFinest(output))) return 'blocks-8';
  return USUAL_FORM[precision];
}

function isFinest(value: Value): boolean {
  return value.kind === 'map' && value.level === 0;
}
