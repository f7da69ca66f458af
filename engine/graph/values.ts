/**
 * The values between operators. Shapes are symbolic: a level stands for a resolution, so that one graph
 * serves every image size. Level 0 is the finest map of the network, level l + 1 has half of level l's
 * height and width, rounded up.
 */

/** A feature map: [batch, channels, height(level), width(level)]. */
export interface FeatureMap {
  readonly kind: 'map';
  readonly id: number;
  readonly channels: number;
  readonly level: number;
  /** Where a map has the positions of several levels, one level after the other, from `level` on: how many. */
  readonly levels?: number;
}

/** A sequence: [batch, length, channels]. */
export interface Tokens {
  readonly kind: 'tokens';
  readonly id: number;
  readonly channels: number;
  /** Absent if it is known only when the network runs. */
  readonly length?: number;
  /** Where text and image are one sequence: the level whose positions follow the text's tokens. */
  readonly image?: number;
  /** The `levels` of that image. */
  readonly levels?: number;
}

/** One row for each image of the batch, or one for all: [batch or 1, channels]. */
export interface Vector {
  readonly kind: 'vector';
  readonly id: number;
  readonly channels: number;
}

/** Token ids: [batch, length], int64. */
export interface Ids {
  readonly kind: 'ids';
  readonly id: number;
}

export type Value = FeatureMap | Tokens | Vector | Ids;
/** A value with channels. Position-wise operators take any of them. */
export type Features = FeatureMap | Tokens | Vector;

/** A weight by its name in the checkpoint, and the shape it must have. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  /** `mean` and `variance` are statistics of batch norm, which do not count as parameters. */
  readonly kind: 'weight' | 'bias' | 'gain' | 'mean' | 'variance';
}
