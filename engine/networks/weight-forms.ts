import type { Network } from '../graph/network.ts';
import type { Operator, WeightProduct } from '../graph/operators.ts';
import { textOnly } from '../graph/text-only.ts';
import type { Value } from '../graph/values.ts';
import type { QuantizedPrecision, WeightForm } from '../weights/quantized.ts';
import { TRANSFORMER } from './sana.ts';

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
  const once = network.name === TRANSFORMER ? textOnly(network) : undefined;
  return (product) => {
    const form = once ? transformerForm(product, precision, once) : formOf(product, precision);
    return form === 'int8' && !bytes ? 'blocks-8' : form;
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
