import type { FeatureMap, Features, Ids, Tokens, Value, Vector, Weight } from './values.ts';

/**
 * The operators in which networks are written. They say what is computed; backends decide how
 * (`engine/execution/lowering`). Convolution weights are [out, in, k, k], linear weights [out, in]
 * or [out, in, 1, 1], as in checkpoints.
 */
export type Operator =
  | Convolution
  | Linear
  | Geglu
  | GroupNorm
  | LayerNorm
  | RmsNorm
  | Modulation
  | Attention
  | LinearAttention
  | KernelAttention
  | Rotation
  | AxisRotation
  | Activation
  | Sum
  | Product
  | Concat
  | ChannelSlice
  | ChannelMean
  | ChannelRepeat
  | PixelShuffle
  | PixelUnshuffle
  | Affine
  | Scaled
  | Standardization
  | Masked
  | TokenJoin
  | ImageJoin
  | ImageSplit
  | LevelJoin
  | LevelSplit
  | SinePositions
  | AveragePool
  | Prelu
  | SoftClamp
  | Enlargement
  | TransposedConvolution
  | GlobalAverage
  | PositionMap
  | PromptTokens
  | TokenSlice
  | MaskProduct
  | Learned
  | Embedding
  | Sinusoid;

export type ActivationName =
  | 'silu'
  | 'gelu'
  | 'gelu_tanh'
  | 'quick_gelu'
  | 'relu'
  | 'leaky_relu'
  | 'hard_swish';

/**
 * Normalization by fixed statistics of each channel (Ioffe & Szegedy 2015). Lowerings fold it into the product before.
 */
export interface BatchNorm {
  readonly gain: Weight;
  readonly bias: Weight;
  readonly mean: Weight;
  readonly variance: Weight;
  readonly epsilon: number;
}

/** k×k convolution over a map; k > 1, or 1 with groups. */
export interface Convolution {
  readonly type: 'convolution';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  /** [out, in / groups, k, k] */
  readonly weight: Weight;
  readonly bias?: Weight;
  readonly norm?: BatchNorm;
  readonly kernel: number;
  /** Groups of channels, each convolved separately; depthwise if there are as many as channels. */
  readonly groups: number;
  /** 2 leads to the next coarser level. */
  readonly stride: 1 | 2;
  /** `same`: ⌊k/2⌋ zeros on every side; `end`: one row of zeros below and one column right of the map. */
  readonly padding: 'same' | 'end' | 'none';
  /** The input is first upsampled to the next finer level, nearest neighbour. */
  readonly upsample: boolean;
  /** Added to every position after the bias: the projected time embedding in a residual block. */
  readonly shift?: Vector;
}

/** Whether a convolution keeps the size of its input, and nothing else is done to that or to the result. */
export function isPlain({ stride, padding, norm, upsample, shift }: Convolution): boolean {
  return stride === 1 && padding === 'same' && !norm && !upsample && !shift;
}

/** A matrix product over channels at each position. 1×1 convolutions are linear maps too. */
export interface Linear {
  readonly type: 'linear';
  readonly input: Features;
  readonly output: Features;
  readonly weight: Weight;
  readonly bias?: Weight;
  readonly norm?: BatchNorm;
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

/** Normalization over the channels of each position. Without gain and bias only mean and variance are normalized. */
export interface LayerNorm {
  readonly type: 'layer-norm';
  readonly input: Features;
  readonly output: Features;
  readonly gain?: Weight;
  readonly bias?: Weight;
  readonly epsilon: number;
}

/** x · gain / √(mean x² + ε) + bias over the channels of each position, or of each head (Zhang & Sennrich 2019). */
export interface RmsNorm {
  readonly type: 'rms-norm';
  readonly input: Features;
  readonly output: Features;
  /** [channels / heads] */
  readonly gain?: Weight;
  readonly bias?: Weight;
  readonly epsilon: number;
  /** The gain is stored less one (Gemma). */
  readonly plusOne: boolean;
  /** Parts of the channels that are normalized separately. */
  readonly heads: number;
}

/** x · (1 + scale) + shift, with one vector for all positions: adaptive layer norm (Peebles & Xie 2023). */
interface Modulation {
  readonly type: 'modulation';
  readonly input: Features;
  readonly scale: Vector;
  readonly shift: Vector;
  readonly output: Features;
}

/** softmax(q·kᵀ / √d)·v for each head: self-attention if keys are a map, else over tokens. */
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
  /** Heads of keys and values, each shared by several of the queries (Ainslie et al. 2023); as many if absent. */
  readonly keyHeads?: number;
  /** Factor of the scores in place of 1/√d. */
  readonly scale?: number;
  /** Scores become cap · tanh(score / cap) (Gemma 2). */
  readonly cap?: number;
  /** For causal attention: how many positions are seen, the query's own included. */
  readonly window?: number;
  /** 1 for tokens that are seen, 0 for padding: [batch, keys]. */
  readonly mask?: Ids;
  /** For attention over text and image: only within parts, see `Dealing`. */
  readonly dealing?: Dealing;
}

/**
 * Text and image are each dealt to `parts` parts in runs of `run` tokens, as cards are; each part of the text attends
 * together with the same part of the image (Shen et al. 2025, alternating subregion attention). Token n is in part
 * ⌊n / run⌋ mod parts.
 */
export interface Dealing {
  readonly parts: number;
  readonly run: number;
}

/**
 * v·(relu(k)ᵀ·relu(q)) / Σ relu(k)ᵀ·relu(q) for each head (Cai et al. 2023). The sums over positions, v·relu(k)ᵀ and
 * Σ relu(k), are computed first, so the work is linear in the number of positions.
 */
export interface LinearAttention {
  readonly type: 'linear-attention';
  /** The module's path in the checkpoint. */
  readonly path: string;
  /** Channels of q, k and v of the first head, then of the next. */
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  /** Channels of q, of k and of v in one head. */
  readonly headChannels: number;
  /** Added to the divisor. */
  readonly epsilon: number;
}

/** As `LinearAttention`, with q, k and v as maps of their own, each head by head (Xie et al. 2025). */
export interface KernelAttention {
  readonly type: 'kernel-attention';
  /** The module's path in the checkpoint. */
  readonly path: string;
  readonly query: FeatureMap;
  readonly key: FeatureMap;
  readonly value: FeatureMap;
  readonly output: FeatureMap;
  readonly heads: number;
  /** Added to the divisor. */
  readonly epsilon: number;
}

/**
 * Rotary position embedding (Su et al. 2021) of the tokens of a sequence, counted from 0: in each head, channel i and
 * channel i + d/2, or `interleaved` channels 2i and 2i + 1, are turned by position · frequencies[i].
 */
export interface Rotation {
  readonly type: 'rotation';
  readonly input: Tokens;
  readonly output: Tokens;
  readonly heads: number;
  /** Radians for each position: d/2 of them. */
  readonly frequencies: readonly number[];
  readonly interleaved?: boolean;
}

/**
 * Rotary position embedding of text and image in one sequence, along the axes time, y, x and token: a position of the
 * image is at (0, y, x, 0), token n of the text at (0, 0, 0, n). In each head, channels 2i and 2i + 1 are turned by
 * Σ place · frequencies over the axes (Black Forest Labs 2025, FLUX.2).
 */
export interface AxisRotation {
  readonly type: 'axis-rotation';
  readonly input: Tokens;
  readonly output: Tokens;
  readonly heads: number;
  /** Radians for each step along each of the four axes: d/2 of each. */
  readonly frequencies: readonly (readonly number[])[];
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

/** Element by element; a vector is the same at all positions. */
export interface Product {
  readonly type: 'product';
  readonly inputs: readonly [Features, Features];
  readonly output: Features;
}

/** `output.channels` channels from channel `from` on. */
export interface ChannelSlice {
  readonly type: 'channel-slice';
  readonly input: Features;
  readonly output: Features;
  readonly from: number;
}

/** Means of neighbouring channels, as many as the input has for one of the output. */
export interface ChannelMean {
  readonly type: 'channel-mean';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/** Each channel several times in a row. */
export interface ChannelRepeat {
  readonly type: 'channel-repeat';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/**
 * Groups of channels become f×f positions of a finer level: channel f²·c + f·y + x (Shi et al. 2016). f = 2 leads to
 * the next level, 4 to the one after.
 */
export interface PixelShuffle {
  readonly type: 'pixel-shuffle';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/**
 * The inverse of `PixelShuffle`: f×f positions become channels of a coarser level; neighbouring channels may be
 * averaged.
 */
export interface PixelUnshuffle {
  readonly type: 'pixel-unshuffle';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/** Concatenation of channels. */
export interface Concat {
  readonly type: 'concat';
  readonly inputs: readonly Features[];
  readonly output: Features;
}

/** scale · x + offset, with constants. */
interface Affine {
  readonly type: 'affine';
  readonly input: Features;
  readonly output: Features;
  readonly scale: number;
  readonly offset: number;
}

/** (x − mean) / √(variance + ε) for each channel, with fixed statistics, or the inverse of that. */
export interface Standardization {
  readonly type: 'standardization';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly mean: Weight;
  readonly variance: Weight;
  readonly epsilon: number;
  readonly inverse: boolean;
}

/** A map times number `index` of a network's input [B or 1, numbers]. */
export interface Scaled {
  readonly type: 'scaled';
  readonly input: FeatureMap;
  readonly by: Vector;
  readonly index: number;
  readonly output: FeatureMap;
}

/** A map times a map of one channel. */
interface Masked {
  readonly type: 'masked';
  readonly input: FeatureMap;
  readonly mask: FeatureMap;
  readonly output: FeatureMap;
}

/** Sequences one after another. */
interface TokenJoin {
  readonly type: 'token-join';
  readonly inputs: readonly Tokens[];
  readonly output: Tokens;
}

/** Text and image as one sequence: the text's tokens, then the positions of a map, row by row. */
interface ImageJoin {
  readonly type: 'image-join';
  readonly text: Tokens;
  readonly image: FeatureMap;
  readonly output: Tokens;
}

/** One of the two parts of such a sequence: a map is the image's, tokens are the text's. */
interface ImageSplit {
  readonly type: 'image-split';
  readonly input: Tokens;
  readonly output: FeatureMap | Tokens;
}

/** The positions of a map, then those of a map of the next coarser level, as one map. */
interface LevelJoin {
  readonly type: 'level-join';
  readonly inputs: readonly [FeatureMap, FeatureMap];
  readonly output: FeatureMap;
}

/** One of the two levels of such a map. */
interface LevelSplit {
  readonly type: 'level-split';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/**
 * Where each position of a map is: sines and cosines of (origin + x) · frequencies, then of (origin + y) · frequencies;
 * the same for the whole batch (Ho et al. 2020 in two dimensions).
 */
export interface SinePositions {
  readonly type: 'sine-positions';
  readonly like: FeatureMap;
  readonly output: FeatureMap;
  readonly origin: number;
  /** Radians for each position: a quarter of the channels. */
  readonly frequencies: readonly number[];
}

/** max(x, 0) + slope · min(x, 0), with a trained slope for each channel (He et al. 2015). */
interface Prelu {
  readonly type: 'prelu';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly slope: Weight;
}

/** The mean of every 2×2 positions, the next coarser level. At the end of an odd side, the mean of those that exist. */
interface AveragePool {
  readonly type: 'average-pool';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/** limit · tanh(x / limit). */
interface SoftClamp {
  readonly type: 'soft-clamp';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly limit: number;
}

/** Bicubic interpolation to a finer level, with a = −0.75 and half-pixel centres. */
export interface Enlargement {
  readonly type: 'enlargement';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
}

/** Transposed convolution with stride 2: each position gives 2×2 of the finer level. The weight is [in, out, 2, 2]. */
export interface TransposedConvolution {
  readonly type: 'transposed-convolution';
  readonly input: FeatureMap;
  readonly output: FeatureMap;
  readonly weight: Weight;
  readonly bias: Weight;
}

/** The mean over all positions. */
interface GlobalAverage {
  readonly type: 'global-average';
  readonly input: FeatureMap;
  readonly output: Vector;
}

/**
 * Token embedding, plus a learned position embedding if there is one. Ids from the table's size on stand for rows of
 * `vectors` [n, C].
 */
export interface Embedding {
  readonly type: 'embedding';
  readonly input: Ids;
  readonly vectors?: Vector;
  readonly output: Tokens;
  readonly table: Weight;
  readonly positions?: Weight;
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

/**
 * Position encoding of a map: sines and cosines of random frequencies [2, channels/2] (Tancik et al. 2020) of x and y,
 * 0 … 1, at the centre of each position. The same for all images of a batch.
 */
export interface PositionMap {
  readonly type: 'position-map';
  readonly like: FeatureMap;
  readonly output: FeatureMap;
  readonly frequencies: Weight;
}

/**
 * Learned tokens, then one for each point: its position, encoded as in a `PositionMap`, plus the row of its label.
 * Label −1 means no point and gives the row alone. Segment Anything's prompt encoder (Kirillov et al. 2023).
 */
export interface PromptTokens {
  readonly type: 'prompt-tokens';
  /** x and y in pixels of a square whose side is `frame`; 0 is the centre of the first pixel. */
  readonly points: Tokens;
  readonly labels: Ids;
  readonly output: Tokens;
  readonly frequencies: Weight;
  readonly frame: number;
  /** Rows before those of the points, each [n, channels]. */
  readonly learned: readonly Weight[];
  /** [1, channels] each, for the labels from −1 on. */
  readonly rows: readonly Weight[];
}

/** Some tokens of a sequence. */
interface TokenSlice {
  readonly type: 'token-slice';
  readonly input: Tokens;
  readonly output: Tokens;
  readonly from: number;
  readonly count: number;
}

/** Product of a map with tokens: one channel of the result for each token. */
export interface MaskProduct {
  readonly type: 'mask-product';
  readonly input: FeatureMap;
  /** Each of length 1, with the channels of the input. */
  readonly tokens: readonly Tokens[];
  readonly output: FeatureMap;
}

/** A trained constant: [1, channels]. */
interface Learned {
  readonly type: 'learned';
  readonly weight: Weight;
  readonly output: Vector;
}

/** The values that an operator reads. */
export function inputsOf(operator: Operator): readonly Value[] {
  switch (operator.type) {
    case 'attention': {
      const { query, key, value, mask } = operator;
      return mask ? [query, key, value, mask] : [query, key, value];
    }
    case 'kernel-attention':
      return [operator.query, operator.key, operator.value];
    case 'modulation':
      return [operator.input, operator.scale, operator.shift];
    case 'sum':
    case 'product':
    case 'concat':
    case 'token-join':
    case 'level-join':
      return operator.inputs;
    case 'image-join':
      return [operator.text, operator.image];
    case 'masked':
      return [operator.input, operator.mask];
    case 'convolution':
      return operator.shift ? [operator.input, operator.shift] : [operator.input];
    case 'embedding':
      return operator.vectors ? [operator.input, operator.vectors] : [operator.input];
    case 'scaled':
      return [operator.input, operator.by];
    case 'position-map':
    case 'sine-positions':
      return [operator.like];
    case 'prompt-tokens':
      return [operator.points, operator.labels];
    case 'mask-product':
      return [operator.input, ...operator.tokens];
    case 'learned':
      return [];
    default:
      return [operator.input];
  }
}

/** An operator that multiplies by a weight. */
export type WeightProduct = Convolution | Linear | Geglu;

export function isWeightProduct(operator: Operator): operator is WeightProduct {
  return operator.type === 'convolution' || operator.type === 'linear' || operator.type === 'geglu';
}
