import type { Precision } from '../../shared/api.ts';
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

interface Exception {
  /** On the name of the weight. */
  layers: RegExp;
  /** Only those that read or give the finest level. */
  finest?: true;
  form: Form;
}

/**
 * Layers that are kept in a finer form than most; docs/measurements.md has the effect of each. Everything passes through
 * the first and the last convolution, and shortcuts read sums that no norm has evened out. Of bytes the sensitive ones
 * are the finest shortcuts, those on the way down, which are small, and the first downsampling. For 4 bits what shortcuts
 * read is not rounded; neither on the fine levels, on which few of the weights lie, nor into transformers and out of them.
 */
const SENSITIVE: Readonly<Record<QuantizedPrecision, readonly Exception[]>> = {
  int8: [
    { layers: /^conv_(in|out)\./, form: 'float' },
    { layers: /^down_blocks\.0\.downsamplers\./, form: 'float' },
    { layers: /^down_blocks\..*\.conv_shortcut\./, form: 'float' },
    { layers: /\.conv_shortcut\./, finest: true, form: 'float' },
  ],
  int4: [
    { layers: /^conv_(in|out)\./, form: 'float' },
    { layers: /^down_blocks\.[01]\./, form: 'blocks-8' },
    { layers: /\.conv_shortcut\./, form: 'blocks-8' },
    { layers: /\.proj_(in|out)\./, form: 'blocks-8' },
    { layers: /./, finest: true, form: 'blocks-8' },
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
  const atFinest = isFinest(input) || isFinest(output);
  const known = SENSITIVE[precision].find(
    ({ layers, finest }) => layers.test(weight.name) && (!finest || atFinest),
  );
  return known?.form ?? USUAL_FORM[precision];
}

function isFinest(value: Value): boolean {
  return value.kind === 'map' && value.level === 0;
}
