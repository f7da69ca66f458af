import type { Precision } from '../../../shared/api.ts';
import type { Extent } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { isWeightProduct, type Operator } from '../../graph/operators.ts';
import { valueBytes } from '../../graph/peak-bytes.ts';
import { formOf } from '../../networks/weight-forms.ts';
import { layoutsOf } from '../../quantization/layers.ts';
import { featuresOf } from '../../regions/features.ts';

const FLOAT_BYTES = 4;

/** Options of the rows form that determine its memory. */
interface RowsForm {
  precision: Precision;
  foldUpsampling: boolean;
}

/**
 * Bytes of scratch memory of an operator in a dense run of the rows form: the gathered window of a convolution, nine or
 * four times its input, in bytes if products are int8; the parts of a folded upsampling; the halves of a GEGLU; the
 * copies that attention makes of its inputs.
 */
export function rowsScratch(extent: Extent, { precision, foldUpsampling }: RowsForm) {
  return (operator: Operator): number => {
    const bytes = precision === 'int8' && isWeightProduct(operator) && formOf(operator, precision) === 'int8';
    const read = (value: Parameters<typeof valueBytes>[0]) =>
      valueBytes(value, extent) / (bytes ? FLOAT_BYTES : 1);
    switch (operator.type) {
      case 'convolution': {
        const { input, output } = operator;
        const folded = layoutsOf(operator, foldUpsampling).length > 1;
        if (folded) return 5 * read(input) + valueBytes(output, extent);
        return read(input) + (9 * read(output) * input.channels) / output.channels;
      }
      case 'linear':
        return bytes ? read(operator.input) : 0;
      case 'geglu':
        return (bytes ? read(operator.input) : 0) + 2 * valueBytes(operator.output, extent);
      case 'attention':
        return [operator.query, operator.key, operator.value].reduce(
          (sum, value) => sum + valueBytes(value, extent),
          0,
        );
      default:
        return 0;
    }
  };
}

/** Bytes of the features of a dense pass, with rows as float32. */
export function passBytes(network: Network, extent: Extent): number {
  return featuresOf(network).reduce((sum, feature) => {
    if (feature.kind === 'moments') return sum;
    const { level, channels } = feature;
    return sum + valueBytes({ kind: 'map', level, channels }, extent);
  }, 0);
}
