import type { Precision } from '../../../shared/api.ts';
import type { Extent } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { isWeightProduct, type Operator } from '../../graph/operators.ts';
import { valueBytes } from '../../graph/peak-bytes.ts';
import { formOf } from '../../networks/weight-forms.ts';
import { layoutsOf } from '../../quantization/layers.ts';
import { type DeviceStorage, featuresOf, type RowStorage } from '../../regions/features.ts';
import { rowsFeaturesOf, tokenFeaturesOf } from '../../regions/token-features.ts';

const FLOAT_BYTES = 4;

/** Bytes of a recorded value. */
const STORED_BYTES: Readonly<Record<RowStorage, number>> = {
  float32: 4,
  float16: 2,
  int8: 1,
  uint8: 1,
  nibbles: 0.5,
};

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

/** Bytes of the features of a dense pass, without moments, which are few. On a device, rows of bytes have a scale each. */
export function passBytes(network: Network, extent: Extent, storage: RowStorage = 'float32'): number {
  return featuresOf(network).reduce((sum, feature) => {
    if (feature.kind === 'moments') return sum;
    return sum + rowsBytes(feature, extent, storage);
  }, 0);
}

/** The same of a transformer, with the sums of linear attention. */
export function tokenBytes(network: Network, extent: Extent, storage: DeviceStorage): number {
  const features = tokenFeaturesOf(network);
  const sums = features.attentions.reduce((sum, { operator: { heads, output } }) => {
    const size = output.channels / heads;
    return sum + FLOAT_BYTES * extent.batch * heads * size * (size + 1);
  }, 0);
  return rowsFeaturesOf(features).reduce((sum, rows) => sum + rowsBytes(rows, extent, storage), sums);
}

/** Bytes of recorded rows of a map. */
function rowsBytes(
  { level, levels, channels }: { level: number; levels?: number; channels: number },
  extent: Extent,
  storage: RowStorage,
): number {
  const floats = (width: number) =>
    valueBytes({ kind: 'map', level, channels: width, ...(levels && { levels }) }, extent);
  const scales = storage === 'uint8' || storage === 'nibbles' ? floats(1) : 0;
  const ranges = storage === 'nibbles' ? 2 * FLOAT_BYTES * extent.batch * channels : 0;
  return (floats(channels) * STORED_BYTES[storage]) / FLOAT_BYTES + scales + ranges;
}
