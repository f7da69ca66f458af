import type { FeatureMap, Features, Ids, Tokens, Vector, Weight } from './values.ts';

/**
 * The vocabulary in which networks are written. Operators say what is computed; how that becomes
 * ONNX is the business of `lowering/`. Convolution weights are [out, in, k, k], linear weights
 * [out, in] or [out, in, 1, 1], as checkpoints hold them.
 */
export type Operator =
  | Convolution
  | Linear
  | Geglu
  | GroupNorm
  | LayerNorm
  | Attention
  | Activation
  | Sum
  | Concat
  | Affine
  | SoftClamp
  | Embedding
  | Sinusoid;

export type ActivationName = 'silu' | 'gelu' | 'quick_gelu' | 'relu';

/** k×k convolution over a map, k > 1. */
export interface Convolution {
  readonly type: 'convolution';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly weight: Weight;
  readonly bias?: Weight;
  readonly kernel: number;
  /** 2 goes one level down. */
  readonly stride: 1 | 2;
  /** `same`: ⌊k/2⌋ zeros on every side; `end`: one row of zeros below and one column right of the map. */
  readonly padding: 'same' | 'end';
  /** The input is first enlarged to the level above by repeating every position 2×2. */
  readonly upsample: boolean;
  /** Added to every position after the bias: the projected time embedding of a residual block. */
  readonly shift?: Vector;
}

/** A matrix product over channels, position by position; 1×1 convolutions are this. */
export interface Linear {
  readonly type: 'linear';
  readonly input: Features;
  readonly output: Features;
  readonly weight: Weight;
  readonly bias?: Weight;
}

/** a · gelu(b), where (a, b) are the halves of one linear map's output (Shazeer 2020). */
export interface Geglu {
  readonly type: 'geglu';
  readonly input: Features;
  readonly output: Features;
  readonly weight: Weight;
  readonly bias: Weight;
}

/** Normalization over groups of channels and all positions (Wu & He 2018), then an activation. */
export interface GroupNorm {
  readonly type: 'group-norm';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly gain: Weight;
  readonly bias: Weight;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation?: ActivationName;
}

/** Normalization over the channels of each position. */
export interface LayerNorm {
  readonly type: 'layer-norm';
  readonly input: Features;
  readonly output: Features;
  readonly gain: Weight;
  readonly bias: Weight;
  readonly epsilon: number;
}

/** softmax(q·kᵀ / √d)·v for each head. Self-attention of a map where keys have the query's level, else over tokens. */
export interface Attention {
  readonly type: 'attention';
  /** The module's path in the checkpoint. */
  readonly path: string;
  readonly query: FeatureMap | Tokens;
  readonly key: FeatureMap | Tokens;
  readonly value: FeatureMap | Tokens;
  readonly output: FeatureMap | Tokens;
  readonly heads: number;
  /** Each position sees itself and those before it. */
  readonly causal: boolean;
}

export interface Activation {
  readonly type: 'activation';
  readonly input: Features;
  readonly output: Features;
  readonly function: ActivationName;
}

export interface Sum {
  readonly type: 'sum';
  readonly inputs: readonly [Features, Features];
  readonly output: Features;
}

/** Concatenation of channels. */
export interface Concat {
  readonly type: 'concat';
  readonly inputs: readonly Features[];
  readonly output: Features;
}

/** scale · x + offset, constants. */
export interface Affine {
  readonly type: 'affine';
  readonly input: Features;
  readonly output: Features;
  readonly scale: number;
  readonly offset: number;
}

/** limit · tanh(x / limit). */
export interface SoftClamp {
  readonly type: 'soft-clamp';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly limit: number;
}

/** Rows of a table for the ids, plus a learned row for each place in the sequence. */
export interface Embedding {
  readonly type: 'embedding';
  readonly input: Ids;
  readonly output: Tokens;
  readonly table: Weight;
  readonly positions: Weight;
}

/**
 * Sinusoidal embedding of every number of the input (Ho et al. 2020): [b, n] → [b, n · channels].
 * Frequencies 10000^(−i / (channels/2 − shift)); cosines first where `flip`.
 */
export interface Sinusoid {
  readonly type: 'sinusoid';
  readonly input: Vector;
  readonly output: Vector;
  readonly channels: number;
  readonly flip: boolean;
  readonly shift: number;
}
