import type { ActivationName, Attention, BatchNorm, Convolution, Operator } from './operators.ts';
import type { FeatureMap, Features, Ids, Tokens, Value, Vector, Weight } from './values.ts';

/** A network as a list of operators in the order of computation. */
export interface Network {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly operators: readonly Operator[];
  /** Tokens of a prompt that a denoiser reads at most, where that is not the length of its text encoder's input. */
  readonly textTokens?: number;
  /** For a transformer: positions along a side that are always computed together when a part of an image is. */
  readonly cell?: number;
}

type New<T> = T extends { id: number } ? Omit<T, 'id'> : never;
/** A batch norm after the product, by its module's path. */
type NormOption = { norm?: { path: string; epsilon: number } };
type LinearOptions = { bias?: boolean; conv?: boolean } & NormOption;

/**
 * Writes a network operator by operator. Methods take a module's path in the checkpoint
 * (`down_blocks.0.resnets.0.conv1`) and name its weights from it.
 */
export class NetworkBuilder {
  readonly #operators: Operator[] = [];
  readonly #inputs = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  #values = 0;

  #value<T extends Value>(value: New<T>): T {
    return { ...value, id: this.#values++ } as unknown as T;
  }

  /** A new value of the same kind and level as `like`, with other channels. */
  #like<T extends Features>(like: T, channels: number = like.channels): T {
    return { ...like, channels, id: this.#values++ };
  }

  #push<T extends Operator>(operator: T): T['output'] {
    this.#operators.push(operator);
    return operator.output;
  }

  inputMap(name: string, channels: number, level: number): FeatureMap {
    const value = this.#value<FeatureMap>({ kind: 'map', channels, level });
    this.#inputs.set(name, value);
    return value;
  }

  inputTokens(name: string, channels: number): Tokens {
    const value = this.#value<Tokens>({ kind: 'tokens', channels });
    this.#inputs.set(name, value);
    return value;
  }

  inputVector(name: string, channels: number): Vector {
    const value = this.#value<Vector>({ kind: 'vector', channels });
    this.#inputs.set(name, value);
    return value;
  }

  inputIds(name: string): Ids {
    const value = this.#value<Ids>({ kind: 'ids' });
    this.#inputs.set(name, value);
    return value;
  }

  output(name: string, value: Value): void {
    this.#outputs.set(name, value);
  }

  convolution(
    path: string,
    input: FeatureMap,
    channels: number,
    options: {
      kernel?: number;
      stride?: 1 | 2;
      padding?: Convolution['padding'];
      upsample?: boolean;
      groups?: number;
      bias?: boolean;
      shift?: Vector;
    } & NormOption = {},
  ): FeatureMap {
    const { kernel = 3, stride = 1, padding = 'same', upsample = false, groups = 1 } = options;
    const { bias = true, norm, shift } = options;
    const level = input.level + (stride === 2 ? 1 : 0) - (upsample ? 1 : 0);
    return this.#push({
      type: 'convolution',
      input,
      output: { ...this.#like(input, channels), level },
      weight: weight(path, [channels, input.channels / groups, kernel, kernel]),
      ...(bias && { bias: biasOf(path, channels) }),
      ...(norm && { norm: batchNorm(norm.path, channels, norm.epsilon) }),
      kernel,
      groups,
      stride,
      padding,
      upsample,
      ...(shift && { shift }),
    }) as FeatureMap;
  }

  /** A convolution, or where its kernel is 1 a linear map whose weight is stored as a convolution's. */
  convolutionOrLinear(path: string, input: FeatureMap, channels: number, kernel: number): FeatureMap {
    return kernel === 1
      ? this.linear(path, input, channels, { conv: true })
      : this.convolution(path, input, channels, { kernel });
  }

  /** `conv`: the checkpoint stores the weight as that of a 1×1 convolution. */
  linear<T extends Features>(path: string, input: T, channels: number, options: LinearOptions = {}): T {
    const { bias = true, conv = false, norm } = options;
    return this.#push({
      type: 'linear',
      input,
      output: this.#like(input, channels),
      weight: weight(path, conv ? [channels, input.channels, 1, 1] : [channels, input.channels]),
      ...(bias && { bias: biasOf(path, channels) }),
      ...(norm && { norm: batchNorm(norm.path, channels, norm.epsilon) }),
    }) as T;
  }

  geglu<T extends Features>(path: string, input: T, channels: number): T {
    return this.#push({
      type: 'geglu',
      input,
      output: this.#like(input, channels),
      weight: weight(path, [2 * channels, input.channels]),
      bias: biasOf(path, 2 * channels),
    }) as T;
  }

  groupNorm(
    path: string,
    input: FeatureMap,
    options: { groups: number; epsilon: number; activation?: ActivationName },
  ): FeatureMap {
    return this.#push({
      type: 'group-norm',
      input,
      output: this.#like(input),
      ...gainAndBias(path, input.channels),
      ...options,
    }) as FeatureMap;
  }

  layerNorm<T extends Features>(path: string, input: T, epsilon = 1e-5): T {
    return this.#push({
      type: 'layer-norm',
      input,
      output: this.#like(input),
      ...gainAndBias(path, input.channels),
      epsilon,
    }) as T;
  }

  /** A layer norm without gain and bias. */
  plainNorm<T extends Features>(input: T, epsilon: number): T {
    return this.#push({ type: 'layer-norm', input, output: this.#like(input), epsilon }) as T;
  }

  /**
   * `gain` and `bias`: whether the checkpoint has them. `heads`: parts of the channels that are normalized separately.
   */
  rmsNorm<T extends Features>(
    path: string,
    input: T,
    epsilon: number,
    options: { gain?: boolean; bias?: boolean; plusOne?: boolean; heads?: number } = {},
  ): T {
    const { gain = true, bias = false, plusOne = false, heads = 1 } = options;
    const both = gainAndBias(path, input.channels / heads);
    return this.#push({
      type: 'rms-norm',
      input,
      output: this.#like(input),
      ...(gain && { gain: both.gain }),
      ...(bias && { bias: both.bias }),
      epsilon,
      plusOne,
      heads,
    }) as T;
  }

  modulation<T extends Features>(input: T, scale: Vector, shift: Vector): T {
    return this.#push({ type: 'modulation', input, scale, shift, output: this.#like(input) }) as T;
  }

  attention<T extends FeatureMap | Tokens>(
    path: string,
    query: T,
    key: FeatureMap | Tokens,
    value: FeatureMap | Tokens,
    heads: number,
    causal = false,
    options: Pick<Attention, 'keyHeads' | 'scale' | 'cap' | 'window' | 'mask' | 'dealing'> = {},
  ): T {
    const output = this.#like(query, (value.channels / (options.keyHeads ?? heads)) * heads);
    return this.#push({ type: 'attention', path, query, key, value, output, heads, causal, ...options }) as T;
  }

  kernelAttention(
    path: string,
    query: FeatureMap,
    key: FeatureMap,
    value: FeatureMap,
    heads: number,
    epsilon = 1e-15,
  ): FeatureMap {
    const output = this.#like(query, value.channels);
    return this.#push({
      type: 'kernel-attention',
      path,
      query,
      key,
      value,
      output,
      heads,
      epsilon,
    }) as FeatureMap;
  }

  /** `frequencies`, `interleaved`: see `Rotation`. */
  rotation(input: Tokens, heads: number, frequencies: readonly number[], interleaved = false): Tokens {
    const output = this.#like(input);
    return this.#push({ type: 'rotation', input, output, heads, frequencies, interleaved }) as Tokens;
  }

  /** `frequencies`: see `AxisRotation`. */
  axisRotation(input: Tokens, heads: number, frequencies: readonly (readonly number[])[]): Tokens {
    const output = this.#like(input);
    return this.#push({ type: 'axis-rotation', input, output, heads, frequencies }) as Tokens;
  }

  /** Input channels: q, k and v of the first head, then of the next. Output channels: v, head by head. */
  linearAttention(path: string, input: FeatureMap, headChannels: number, epsilon = 1e-15): FeatureMap {
    const output = this.#like(input, input.channels / 3);
    return this.#push({
      type: 'linear-attention',
      path,
      input,
      output,
      headChannels,
      epsilon,
    }) as FeatureMap;
  }

  activation<T extends Features>(input: T, name: ActivationName): T {
    return this.#push({ type: 'activation', input, output: this.#like(input), function: name }) as T;
  }

  /** Vectors are added to every position or token. */
  sum<T extends Features>(a: T, b: T | Vector): T {
    return this.#push({ type: 'sum', inputs: [a, b], output: this.#like(a) }) as T;
  }

  /** Vectors are factors of every position or token. */
  product<T extends Features>(a: T, b: T | Vector): T {
    return this.#push({ type: 'product', inputs: [a, b], output: this.#like(a) }) as T;
  }

  sliceChannels<T extends Features>(input: T, from: number, count: number): T {
    return this.#push({ type: 'channel-slice', input, output: this.#like(input, count), from }) as T;
  }

  /** The channels in equal parts. */
  splitChannels<T extends Features>(input: T, parts: number): T[] {
    const count = input.channels / parts;
    return Array.from({ length: parts }, (_, i) => this.sliceChannels(input, i * count, count));
  }

  channelMean(input: FeatureMap, channels: number): FeatureMap {
    return this.#push({ type: 'channel-mean', input, output: this.#like(input, channels) }) as FeatureMap;
  }

  channelRepeat(input: FeatureMap, channels: number): FeatureMap {
    if (channels === input.channels) return input;
    return this.#push({ type: 'channel-repeat', input, output: this.#like(input, channels) }) as FeatureMap;
  }

  /** `levels`: how many levels finer. */
  pixelShuffle(input: FeatureMap, levels = 1): FeatureMap {
    const output = { ...this.#like(input, input.channels / 4 ** levels), level: input.level - levels };
    return this.#push({ type: 'pixel-shuffle', input, output }) as FeatureMap;
  }

  /** `channels`: all of them, or fewer, which are means of neighbours. `levels`: how many levels coarser. */
  pixelUnshuffle(input: FeatureMap, channels?: number, levels = 1): FeatureMap {
    const every = input.channels * 4 ** levels;
    const output = { ...this.#like(input, channels ?? every), level: input.level + levels };
    return this.#push({ type: 'pixel-unshuffle', input, output }) as FeatureMap;
  }

  concat<T extends Features>(inputs: readonly [T, ...T[]]): T {
    const channels = inputs.reduce((total, value) => total + value.channels, 0);
    return this.#push({ type: 'concat', inputs, output: this.#like(inputs[0], channels) }) as T;
  }

  affine<T extends Features>(input: T, scale: number, offset: number): T {
    return this.#push({ type: 'affine', input, output: this.#like(input), scale, offset }) as T;
  }

  /** Multiplied by one of an input vector's numbers. */
  scaled(input: FeatureMap, by: Vector, index: number): FeatureMap {
    return this.#push({ type: 'scaled', input, by, index, output: this.#like(input) }) as FeatureMap;
  }

  /** A map times a map of one channel. */
  masked(input: FeatureMap, mask: FeatureMap): FeatureMap {
    return this.#push({ type: 'masked', input, mask, output: this.#like(input) }) as FeatureMap;
  }

  /** One sequence after another. */
  joinTokens(inputs: readonly [Tokens, ...Tokens[]]): Tokens {
    const { length: _, ...like } = this.#like(inputs[0]);
    return this.#push({ type: 'token-join', inputs, output: like }) as Tokens;
  }

  /** Text and image as one sequence. */
  joinImage(text: Tokens, image: FeatureMap): Tokens {
    const { level, levels } = image;
    const output = { ...this.#like(text), image: level, ...(levels && { levels }) };
    return this.#push({ type: 'image-join', text, image, output }) as Tokens;
  }

  /** The two parts of such a sequence. */
  splitImage(input: Tokens): { text: Tokens; image: FeatureMap } {
    const { channels, image: level = 0, levels } = input;
    const output = this.#value<Tokens>({ kind: 'tokens', channels });
    const text = this.#push({ type: 'image-split', input, output }) as Tokens;
    const map = this.#value<FeatureMap>({ kind: 'map', channels, level, ...(levels && { levels }) });
    return { text, image: this.#push({ type: 'image-split', input, output: map }) as FeatureMap };
  }

  /** Two neighbouring levels as one map. */
  joinLevels(fine: FeatureMap, coarse: FeatureMap): FeatureMap {
    const output = { ...this.#like(fine), levels: 2 };
    return this.#push({ type: 'level-join', inputs: [fine, coarse], output }) as FeatureMap;
  }

  /** The two levels of such a map. */
  splitLevels(input: FeatureMap): { fine: FeatureMap; coarse: FeatureMap } {
    const { channels, level } = input;
    const [fine, coarse] = [level, level + 1].map((one) => {
      const output = this.#value<FeatureMap>({ kind: 'map', channels, level: one });
      return this.#push({ type: 'level-split', input, output }) as FeatureMap;
    });
    return { fine: fine!, coarse: coarse! };
  }

  /** `origin` and `frequencies`: see `SinePositions`. */
  sinePositions(like: FeatureMap, origin: number, frequencies: readonly number[]): FeatureMap {
    const output = this.#like(like, 4 * frequencies.length);
    return this.#push({ type: 'sine-positions', like, output, origin, frequencies }) as FeatureMap;
  }

  /** `path`: of the batch norm whose statistics are used. */
  standardization(path: string, input: FeatureMap, epsilon: number, inverse: boolean): FeatureMap {
    const { mean, variance } = batchNorm(path, input.channels, epsilon);
    const output = this.#like(input);
    return this.#push({
      type: 'standardization',
      input,
      output,
      mean,
      variance,
      epsilon,
      inverse,
    }) as FeatureMap;
  }

  prelu(path: string, input: FeatureMap): FeatureMap {
    const slope: Weight = { name: `${path}.weight`, shape: [input.channels], kind: 'gain' };
    return this.#push({ type: 'prelu', input, slope, output: this.#like(input) }) as FeatureMap;
  }

  /** The mean of every 2×2, over the positions that are inside the map. */
  averagePool(input: FeatureMap): FeatureMap {
    const output = { ...this.#like(input), level: input.level + 1 };
    return this.#push({ type: 'average-pool', input, output }) as FeatureMap;
  }

  softClamp(input: FeatureMap, limit: number): FeatureMap {
    return this.#push({ type: 'soft-clamp', input, output: this.#like(input), limit }) as FeatureMap;
  }

  enlarge(input: FeatureMap, level: number): FeatureMap {
    return this.#push({
      type: 'enlargement',
      input,
      output: { ...this.#like(input), level },
    }) as FeatureMap;
  }

  /** 2×2 with stride 2. */
  transposedConvolution(path: string, input: FeatureMap, channels: number): FeatureMap {
    return this.#push({
      type: 'transposed-convolution',
      input,
      output: { ...this.#like(input, channels), level: input.level - 1 },
      weight: weight(path, [input.channels, channels, 2, 2]),
      bias: biasOf(path, channels),
    }) as FeatureMap;
  }

  globalAverage(input: FeatureMap): Vector {
    const output = this.#value<Vector>({ kind: 'vector', channels: input.channels });
    return this.#push({ type: 'global-average', input, output }) as Vector;
  }

  /** `vectors`: rows for ids from `size` on. */
  embedding(path: string, input: Ids, vectors: Vector, options: { size: number; places: number }): Tokens {
    const { size, places } = options;
    const { channels } = vectors;
    return this.#push({
      type: 'embedding',
      input,
      vectors,
      output: this.#value<Tokens>({ kind: 'tokens', channels }),
      table: weight(`${path}.token_embedding`, [size, channels]),
      positions: weight(`${path}.position_embedding`, [places, channels]),
    }) as Tokens;
  }

  /** Embeds tokens, without positions. `path`: the table's, without `.weight`. */
  tokenEmbedding(path: string, input: Ids, size: number, channels: number): Tokens {
    return this.#push({
      type: 'embedding',
      input,
      output: this.#value<Tokens>({ kind: 'tokens', channels }),
      table: weight(path, [size, channels]),
    }) as Tokens;
  }

  sinusoid(input: Vector, channels: number, options: { flip: boolean; shift: number }): Vector {
    const output = this.#like(input, input.channels * channels);
    return this.#push({ type: 'sinusoid', input, output, channels, ...options }) as Vector;
  }

  /** `name`: the frequencies' name in the checkpoint. */
  positionMap(name: string, like: FeatureMap): FeatureMap {
    return this.#push({
      type: 'position-map',
      like,
      output: this.#like(like),
      frequencies: frequenciesOf(name, like.channels),
    }) as FeatureMap;
  }

  /** `learned` and `rows`: module paths in the checkpoint, `learned` with the number of rows of each. */
  promptTokens(
    points: Tokens,
    labels: Ids,
    options: {
      channels: number;
      frame: number;
      frequencies: string;
      learned: readonly (readonly [name: string, rows: number])[];
      rows: readonly string[];
    },
  ): Tokens {
    const { channels, frame, frequencies, learned, rows } = options;
    const table = (name: string, count: number) => weight(name, [count, channels]);
    return this.#push({
      type: 'prompt-tokens',
      points,
      labels,
      output: this.#value<Tokens>({ kind: 'tokens', channels }),
      frequencies: frequenciesOf(frequencies, channels),
      frame,
      learned: learned.map(([name, count]) => table(name, count)),
      rows: rows.map((name) => table(name, 1)),
    }) as Tokens;
  }

  sliceTokens(input: Tokens, from: number, count: number): Tokens {
    const output = { ...this.#like(input), length: count };
    return this.#push({ type: 'token-slice', input, output, from, count }) as Tokens;
  }

  maskProduct(input: FeatureMap, tokens: readonly Tokens[]): FeatureMap {
    const output = this.#like(input, tokens.length);
    return this.#push({ type: 'mask-product', input, tokens, output }) as FeatureMap;
  }

  learned(path: string, channels: number): Vector {
    const output = this.#value<Vector>({ kind: 'vector', channels });
    return this.#push({ type: 'learned', weight: weight(path, [1, channels]), output }) as Vector;
  }

  /** A table [rows, channels] by its own name, its rows side by side. */
  learnedRows(name: string, rows: number, channels: number): Vector {
    const output = this.#value<Vector>({ kind: 'vector', channels: rows * channels });
    const table: Weight = { name, shape: [rows, channels], kind: 'weight' };
    return this.#push({ type: 'learned', weight: table, output }) as Vector;
  }

  build(name: string, more: Pick<Network, 'textTokens' | 'cell'> = {}): Network {
    return { name, inputs: this.#inputs, outputs: this.#outputs, operators: this.#operators, ...more };
  }
}

/** Every weight of a network, once each. */
export function weightsOf(network: Network): Weight[] {
  const weights = new Map<string, Weight>();
  for (const operator of network.operators) {
    const fields = 'norm' in operator ? { ...operator, ...operator.norm } : operator;
    for (const field of Object.values(fields).flat()) if (isWeight(field)) weights.set(field.name, field);
  }
  return [...weights.values()];
}

/** Number of trained parameters of a network, without the statistics of batch norm. */
export function countParameters(network: Network): number {
  return weightsOf(network)
    .filter(({ kind }) => kind !== 'mean' && kind !== 'variance')
    .reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

function isWeight(field: unknown): field is Weight {
  return typeof field === 'object' && field !== null && 'name' in field && 'shape' in field;
}

function weight(path: string, shape: number[]): Weight {
  return { name: `${path}.weight`, shape, kind: 'weight' };
}

function frequenciesOf(name: string, channels: number): Weight {
  return { name, shape: [2, channels / 2], kind: 'weight' };
}

function biasOf(path: string, channels: number): Weight {
  return { name: `${path}.bias`, shape: [channels], kind: 'bias' };
}

function gainAndBias(path: string, channels: number): { gain: Weight; bias: Weight } {
  return {
    gain: { name: `${path}.weight`, shape: [channels], kind: 'gain' },
    bias: biasOf(path, channels),
  };
}

function batchNorm(path: string, channels: number, epsilon: number): BatchNorm {
  const shape = [channels];
  return {
    ...gainAndBias(path, channels),
    mean: { name: `${path}.running_mean`, shape, kind: 'mean' },
    variance: { name: `${path}.running_var`, shape, kind: 'variance' },
    epsilon,
  };
}
