import type { AttentionMode } from '../../../shared/api.ts';
import type { ConvolutionBytes } from '../../quantization/convolutions.ts';
import type { Anchors } from '../../regions/anchors.ts';
import type { DeviceStorage, NormStatistics, RowStorage } from '../../regions/features.ts';

/**
 * The form in which a network is computed: the layout of maps, which positions are computed, and the inputs and outputs
 * beside the network's own.
 * `planar`: whole maps. `rows`: any subset of the positions; `taking` and `putting`: its features on a device, see
 * `kept.ts`. `crops`: a rectangle of the output, see `crops.ts`.
 * `tokens`: a transformer's positions, any subset of them with `part`, with `storage` beside features that stay on a
 * device, see `lowering/tokens.ts`.
 * `recording` and `parts`: whole maps that are recorded, and a part computed from them, with `updates` giving the maps
 * with that part in place, see `parts.ts`.
 * `continued`: a language model that goes on from known keys and values, see `lowering/continued.ts`.
 * `ranges`: whole maps, with the range of every convolution as an output, see `rangeNames`. `bytes`: whole maps, with
 * convolutions in int8.
 */
export type Form =
  | { kind: 'planar' }
  | { kind: 'rows'; options: RowsOptions }
  | { kind: 'tokens'; part: boolean; storage?: DeviceStorage }
  | { kind: 'taking'; storage: DeviceStorage }
  | { kind: 'putting'; storage: DeviceStorage }
  | { kind: 'crops' }
  | { kind: 'continued' }
  | { kind: 'recording'; anchors: Anchors }
  | { kind: 'parts'; anchors: Anchors; updates?: boolean }
  | { kind: 'ranges' }
  | { kind: 'bytes'; bytes: ReadonlyMap<string, ConvolutionBytes> };

export const PLANAR: Form = { kind: 'planar' };

/** Options of the rows form. */
export interface RowsOptions {
  /**
   * Upsampling convolutions as four 2×2 convolutions of the smaller map with summed weights: 4/9 of the products.
   * Correct only if every level but the coarsest has even sizes.
   */
  foldUpsampling: boolean;
  /** How features are recorded; see `regions/features.ts`. */
  storage: RowStorage;
  /**
   * With `recorded` there are fewer operators, but the network can neither run densely nor record. With `composed` it can
   * do both, and edits follow dense ones more closely. With `fresh` it can only run densely, in less memory. See
   * `NormStatistics`.
   */
  statistics: NormStatistics;
  attention: AttentionMode;
  /**
   * Levels whose convolutions of stride 1 are native ones of the rectangle around the active rows, which reads recorded
   * rows where it is not active. Not with quantized weights.
   */
  rectangles?: readonly number[];
  /** Also outputs statistics of the products' inputs, for calibration; see `watch.ts`. */
  watch?: boolean;
}
