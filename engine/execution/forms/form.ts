import type { AttentionMode } from '../../../shared/api.ts';
import type { ConvolutionBytes } from '../../quantization/convolutions.ts';
import type { Anchors } from '../../regions/anchors.ts';
import type { NormStatistics, Storage } from '../../regions/features.ts';

/**
 * In which form a network is computed: how maps are laid out, which positions take part, and what is read and given
 * beside the network's own inputs and outputs.
 * `planar`: whole maps. `rows`: any subset of the positions. `crops`: a rectangle of the output, see `crops.ts`.
 * `recording` and `parts`: whole maps that are recorded, and a part computed from them, see `parts.ts`.
 * `ranges` and `bytes`: whole maps while the range of every convolution is observed, see `rangeNames`, and with
 * convolutions in int8.
 */
export type Form =
  | { kind: 'planar' }
  | { kind: 'rows'; options: RowsOptions }
  | { kind: 'crops' }
  | { kind: 'recording'; anchors: Anchors }
  | { kind: 'parts'; anchors: Anchors }
  | { kind: 'ranges' }
  | { kind: 'bytes'; bytes: ReadonlyMap<string, ConvolutionBytes> };

export const PLANAR: Form = { kind: 'planar' };

/** How a network in rows form is computed. */
export interface RowsOptions {
  /**
   * Upsampling convolutions as four 2×2 convolutions of the smaller map with summed weights: 4/9 of the products.
   * Right only where every level but the coarsest has even sizes.
   */
  foldUpsampling: boolean;
  /** How features are recorded; see `regions/features.ts`. */
  storage: Storage;
  /**
   * With `recorded` there are fewer operators, but the network can neither run densely nor record; with `fresh` it can
   * do nothing but run densely, in less memory; see `NormStatistics`.
   */
  statistics: NormStatistics;
  attention: AttentionMode;
  /** Also gives the size of what products read, for calibration; see `watch.ts`. */
  watch?: boolean;
}
