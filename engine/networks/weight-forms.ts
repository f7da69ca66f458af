import type { Precision } from '../../shared/arithmetic.ts';
import type { Network } from '../graph/network.ts';
import type { Operator, WeightProduct } from '../graph/operators.ts';
import { textOnly } from '../graph/text-only.ts';
import type { Value } from '../graph/values.ts';
import type { QuantizedPrecision, WeightForm } from '../graph/weight-form.ts';
import { TRANSFORMER } from './transformer.ts';

/** Name of the networks that decode latents. */
const AUTOENCODER_DECODER = 'vae-decoder';

/** The form of most weights. */
export const USUAL_FORM = { int8: 'int8', int4: 'blocks-4' } as const satisfies Record<
  QuantizedPrecision,
  WeightForm
>;

interface Exception {
  /** Matched against the weight's name. */
  layers: RegExp;
  /** Only layers that read or write the finest level. */
  finest?: true;
  form: WeightForm;
}

/**
 * Layers stored in a finer form than most; docs/measurements.md has the effect of each. Everything passes through the
 * first and the last convolution, and shortcuts read sums that no norm has scaled. In int8 the sensitive layers are the
 * finest shortcuts, the small ones on the way down, and the first downsampling. In 4 bits they are all shortcuts, the
 * fine levels, which have few of the weights, and the projections into and out of transformers.
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
 * The form of each weight of a network. Text encoders run once for an image, so memory counts more than time: their
 * weights are stored in blocks of 8 bits, and their activations, which have outliers, are not rounded. For 4 bits see
 * docs/measurements.md. Where bytes cannot be multiplied (`bytes`), int8 weights are stored in blocks too.
 */
export function formsOf(
  network: Network,
  precision: QuantizedPrecision,
  bytes = true,
): (product: WeightProduct) => WeightForm {
  if (network.name === 'text-encoder') return () => 'blocks-8';
  if (network.name === AUTOENCODER_DECODER) return bytes ? decoderForms(network) : () => 'float';
  const once = network.name === TRANSFORMER ? textOnly(network) : undefined;
  return (product) => {
    const form = once ? transformerForm(product, precision, once) : formOf(product, precision);
    return form === 'int8' && !bytes ? 'blocks-8' : form;
  };
}

/** Whether most weights of a precision are in blocks. @param bytes whether bytes can be multiplied */
export function isInBlocks(precision: Precision, bytes: boolean): boolean {
  return precision === 'int4' || (precision === 'int8' && !bytes);
}

/**
 * What DC-AE's decoder multiplies in rows: linear maps over positions and plain 3×3 convolutions. Everything passes
 * through the first and the last convolution and the coarsest level, which have few of the operations, and what gated units
 * give has outliers; docs/measurements.md has the effect of each.
 */
function decoderForms({ operators }: Network): (product: WeightProduct) => WeightForm {
  const coarsest = Math.max(0, ...operators.map(({ output }) => (output.kind === 'map' ? output.level : 0)));
  return (product) => {
    const { type, weight, input, output } = product;
    if (input.kind !== 'map' || output.kind !== 'map' || output.level === coarsest) return 'float';
    if (/\.conv_(in|out)\.(conv\.)?weight$|\.conv_point\./.test(weight.name)) return 'float';
    if (type === 'linear') return product.norm ? 'float' : 'int8';
    if (type !== 'convolution') return 'float';
    const { groups, kernel, stride, padding, norm, shift } = product;
    const isPlain = groups === 1 && kernel === 3 && stride === 1 && padding === 'same' && !norm && !shift;
    return isPlain ? 'int8' : 'float';
  };
}

/**
 * The form of a transformer's weight. Everything passes through the first and the last map, and every block is scaled
 * by values computed from the timestep; if large matrices compute them, these are in blocks. What depends on the text
 * alone is computed once for an image, so its rows are not rounded.
 * @param once operators that read the text alone
 */
function transformerForm(
  product: WeightProduct,
  precision: QuantizedPrecision,
  once: ReadonlySet<Operator>,
): WeightForm {
  const { type, weight, input } = product;
  if (/_stream_modulation\w*\./.test(weight.name)) return 'blocks-8';
  if (
    type !== 'linear' ||
    input.kind === 'vector' ||
    /^(patch_embed|pos_embed|x_embedder|proj_out)\./.test(weight.name)
  )
    return 'float';
  return once.has(product) ? 'blocks-8' : USUAL_FORM[precision];
}

export function formOf(product: WeightProduct, precision: QuantizedPrecision): WeightForm {
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
