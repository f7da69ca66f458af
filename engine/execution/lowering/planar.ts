import type { Network } from '../../graph/network.ts';
import {
  type Attention,
  type AxisRotation,
  type ChannelRepeat,
  type Concat,
  type Convolution,
  type Enlargement,
  type GroupNorm,
  isPlain,
  type LayerNorm,
  type Linear,
  type LinearAttention,
  type MaskProduct,
  type Operator,
  type PixelShuffle,
  type Product,
  type RmsNorm,
  type Rotation,
  type Scaled,
  type Sum,
  type TransposedConvolution,
} from '../../graph/operators.ts';
import type { Features, Value } from '../../graph/values.ts';
import type { Windowed } from '../../regions/reach.ts';
import type { Weights } from '../../weights/weight-table.ts';
import {
  type Angles,
  attention,
  axisAngles,
  axisRotation,
  gridPlaces,
  kernelAttention,
  rotation,
  rowAngles,
} from './attention.ts';
import { ByteWindows, firstLayout, type Grid } from './byte-windows.ts';
import {
  channelMean,
  channelRepeat,
  channelSlice,
  pixelShuffle,
  pixelUnshuffle,
  planesOfRows,
  rowCount,
  rowsOfPlanes,
  sinePositions,
  splitRows,
  standardized,
} from './channels.ts';
import { dealtAttention } from './dealing.ts';
import { Emitter } from './emitter.ts';
import { type GatedUnit, gatedPlanes, gatedUnits } from './gated-units.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import type { Target } from './target.ts';
import { enlarged, linearAttention, positionMap, promptTokens } from './vision.ts';

/**
 * A network as a usual ONNX graph: maps are planes [B, C, H, W] with native convolutions, except inside transformers and
 * where weights are bytes, where they are rows [B, H·W, C]. The graph takes any batch, size and text length.
 */
export function lowerPlanar(network: Network, weights: Weights, target: Target): OnnxModel {
  return new PlanarLowering(weights, target).model(network);
}

/** With fewer channels, interleaving the four parts of a folded upsampling costs more than it saves. */
const FOLD_CHANNELS = 128;

/** Whether a convolution after an upsampling is computed as four of the smaller map, with kernels of their own. */
export function isFolded({ input, kernel, groups, norm, upsample }: Convolution): boolean {
  return upsample && kernel === 3 && groups === 1 && !norm && input.channels >= FOLD_CHANNELS;
}

/** Of a 3×3 kernel. */
const TAPS = 9;

/** Whether a convolution gives so few channels that all taps of them are fewer than the channels it reads. */
function isNarrow(convolution: Convolution): boolean {
  const { input, output, kernel, groups } = convolution;
  return kernel === 3 && groups === 1 && isPlain(convolution) && TAPS * output.channels < input.channels;
}

/** The available layouts of a map; the other is computed when an operator needs it. */
interface Forms {
  planes?: Ref;
  rows?: Ref;
}

/** A function for each type of operator. */
type Lowerings = { [Type in Operator['type']]: (operator: Extract<Operator, { type: Type }>) => void };

/** Lowers operator by operator. Variants override what they do differently. */
export class PlanarLowering {
  readonly emit: Emitter;
  readonly #windows: ByteWindows;
  readonly #forms = new Map<number, Forms>();
  /** The number of tokens before the image's rows where they are one sequence: [1]. */
  #textCount: Ref | undefined;
  #angles: Angles | undefined;
  /** Angles of the rows of a sequence, by its length and by frequencies. */
  readonly #turns = new Map<string, Angles>();
  /** Whether a sequence is an input already: others have their own lengths. */
  #hasTokens = false;
  /** Repetitions of channels that nothing has read yet, by the id of their output. */
  readonly #repeats = new Map<number, ChannelRepeat>();
  /** Gated units that read rows. */
  #units: ReadonlyMap<Operator, GatedUnit> = new Map();
  /** Height and width of a level as a tensor of two, taken from the first planes of that level. */
  readonly #extents = new Map<number, Ref>();

  /** How each operator is lowered. */
  readonly #lowerings: Lowerings = {
    convolution: (operator) => this.#convolution(operator),
    linear: (operator) => this.#linear(operator),
    'group-norm': (operator) => this.groupNorm(operator),
    geglu: (operator) => this.setRows(operator.output, this.emit.geglu(this.rows(operator.input), operator)),
    'layer-norm': (operator) => this.layerNorm(operator),
    'rms-norm': (operator) => this.#rmsNorm(operator),
    modulation: (operator) => {
      const { input, scale, shift, output } = operator;
      this.setRows(output, this.emit.modulation(this.rows(input), this.rows(scale), this.rows(shift)));
    },
    attention: (operator) => this.attention(operator),
    'kernel-attention': (operator) => {
      const [query, key, value] = [operator.query, operator.key, operator.value].map((v) => this.rows(v));
      this.setRows(operator.output, kernelAttention(this.emit, query!, key!, value!, operator));
    },
    rotation: (operator) => this.#rotation(operator),
    'axis-rotation': (operator) => this.#axisRotation(operator),
    'image-join': (operator) => {
      const [text, image] = [this.rows(operator.text), this.rows(operator.image)];
      this.#textCount ??= rowCount(this.emit, text);
      this.setRows(operator.output, this.emit.concat([text, image], 1));
    },
    'image-split': (operator) => {
      const isText = operator.output.kind === 'tokens';
      this.setRows(
        operator.output,
        splitRows(this.emit, this.rows(operator.input), this.#textCount!, isText ? 'first' : 'rest'),
      );
    },
    'level-join': (operator) => {
      const levels = operator.inputs.map((value) => this.rows(value));
      this.setRows(operator.output, this.emit.concat(levels, 1));
    },
    'level-split': ({ input, output }) => {
      const count = this.#area(input.level);
      const part = output.level === input.level ? 'first' : 'rest';
      this.setRows(output, splitRows(this.emit, this.rows(input), count, part));
    },
    'sine-positions': (operator) => {
      const places = gridPlaces(this.emit, this.#extents.get(operator.like.level)!);
      this.setRows(operator.output, sinePositions(this.emit, places, operator));
    },
    standardization: (operator) => {
      const planes = standardized(this.emit, this.planes(operator.input), operator);
      this.setPlanes(operator.output, planes);
    },
    'linear-attention': (operator) => this.linearAttention(operator),
    enlargement: (operator) => this.enlargement(operator),
    'transposed-convolution': (operator) => this.#transposedConvolution(operator),
    'mask-product': (operator) => this.#maskProduct(operator),
    'position-map': (operator) =>
      this.setRows(
        operator.output,
        positionMap(this.emit, this.#extents.get(operator.like.level)!, operator),
      ),
    'prompt-tokens': (operator) => {
      const [points, labels] = [this.rows(operator.points), this.rows(operator.labels)];
      this.setRows(operator.output, promptTokens(this.emit, points, labels, operator));
    },
    'token-slice': (operator) => {
      const { onnx } = this.emit;
      const bounds = [operator.from, operator.from + operator.count, 1].map((value) => onnx.ints([value]));
      const [from, to, axis] = bounds;
      this.setRows(operator.output, onnx.node('Slice', [this.rows(operator.input), from!, to!, axis!]));
    },
    learned: (operator) =>
      this.setRows(operator.output, this.emit.weight(operator.weight, [1, operator.output.channels])),
    'global-average': (operator) => {
      const mean = this.emit.onnx.node('GlobalAveragePool', [this.planes(operator.input)]);
      this.setRows(operator.output, this.emit.onnx.node('Flatten', [mean]));
    },
    embedding: (operator) =>
      this.setRows(
        operator.output,
        this.emit.embedding(
          this.rows(operator.input),
          operator.vectors && this.rows(operator.vectors),
          operator,
        ),
      ),
    sinusoid: (operator) =>
      this.setRows(operator.output, this.emit.sinusoid(this.rows(operator.input), operator)),
    activation: (operator) => this.#elementwise(operator, (x) => this.emit.activation(x, operator.function)),
    affine: (operator) =>
      this.#elementwise(operator, (x) => this.emit.affine(x, operator.scale, operator.offset)),
    scaled: (operator) => this.#scaled(operator),
    masked: (operator) => {
      // In rows, like the result of attention.
      const factors = [this.rows(operator.input), this.rows(operator.mask)];
      this.setRows(operator.output, this.emit.onnx.node('Mul', factors));
    },
    'token-join': (operator) => {
      const parts = operator.inputs.map((value) => this.rows(value));
      this.setRows(operator.output, this.emit.concat(parts, 1));
    },
    prelu: (operator) => {
      const { input, slope } = operator;
      const slopes = this.emit.weight(slope, [input.channels, 1, 1]);
      this.setPlanes(operator.output, this.emit.onnx.node('PRelu', [this.planes(input), slopes]));
    },
    'average-pool': (operator) => {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 };
      this.setPlanes(
        operator.output,
        this.emit.onnx.node('AveragePool', [this.planes(operator.input)], { attributes }),
      );
    },
    'soft-clamp': (operator) => this.#elementwise(operator, (x) => this.emit.softClamp(x, operator.limit)),
    sum: (operator) => this.#both(operator, (a, b) => this.emit.sum(a, b)),
    product: (operator) => this.#both(operator, (a, b) => this.emit.multiply(a, b)),
    'channel-slice': (operator) =>
      this.#elementwise(operator, (x, axis) => channelSlice(this.emit, x, operator, axis)),
    'channel-repeat': (operator) => this.#repeats.set(operator.output.id, operator),
    'channel-mean': (operator) =>
      this.setPlanes(operator.output, channelMean(this.emit, this.planes(operator.input), operator)),
    'pixel-shuffle': (operator) => this.#pixelShuffle(operator),
    'pixel-unshuffle': (operator) =>
      this.setPlanes(operator.output, pixelUnshuffle(this.emit, this.source(operator), operator)),
    concat: (operator) => this.#concatenate(operator),
  };

  constructor(weights: Weights, target: Target) {
    this.emit = new Emitter(weights, target);
    this.#windows = new ByteWindows(this.emit);
  }

  model(network: Network): OnnxModel {
    if (this.emit.multipliesRows) this.#units = gatedUnits(network);
    for (const [name, value] of network.inputs) this.input(name, value);
    for (const operator of network.operators) this.lower(operator);
    for (const [name, value] of network.outputs) this.output(name, value);
    return this.emit.onnx.encode(network.name);
  }

  input(name: string, value: Value): void {
    const { onnx } = this.emit;
    // Maps beside the first one have their own sizes, and may be shared by the whole batch.
    const own = this.#extents.size === 0 ? '' : `${name}_`;
    const dims = [`${own}batch`, value.kind === 'map' ? value.channels : 0, `${own}height`, `${own}width`];
    if (value.kind === 'map') this.setPlanes(value, onnx.input(name, 'float32', dims));
    else if (value.kind === 'ids') this.setRows(value, onnx.input(name, 'int64', ['batch', 'length']));
    else if (value.kind === 'tokens') {
      const other = this.#hasTokens ? `${name}_` : '';
      this.#hasTokens = true;
      this.setRows(value, onnx.input(name, 'float32', [`${other}batch`, `${other}length`, value.channels]));
    } else this.setRows(value, onnx.input(name, 'float32', [`${name}_batch`, value.channels]));
  }

  output(name: string, value: Value): void {
    const { onnx } = this.emit;
    if (value.kind === 'ids') throw new Error('ids are not an output');
    if (value.kind === 'map') {
      const dims = ['batch', value.channels, `${name}_height`, `${name}_width`];
      onnx.output(name, this.planes(value), 'float32', dims);
    } else {
      const rows = value.kind === 'tokens' ? [value.length ?? 'length'] : [];
      const dims = ['batch', ...rows, value.channels];
      onnx.output(name, this.rows(value), 'float32', dims);
    }
  }

  lower(operator: Operator): void {
    const unit = this.#units.get(operator);
    if (unit) {
      if (operator === unit.product) this.#gatedUnit(unit);
      return;
    }
    const lowering: (operator: never) => void = this.#lowerings[operator.type];
    lowering(operator as never);
  }

  #convolution(operator: Convolution): void {
    const { emit } = this;
    const { onnx } = emit;
    const { output, weight, kernel, groups, stride, shift } = operator;
    if (emit.isQuantized(weight, firstLayout(operator))) {
      this.#byteConvolution(operator);
      return;
    }
    if (isNarrow(operator) && this.#form(operator.input).planes === undefined) {
      this.setPlanes(output, this.#narrowConvolution(operator));
      return;
    }
    let x = this.source(operator);
    if (isFolded(operator) && !this.#extents.has(output.level)) {
      this.setPlanes(output, this.#upsampled(x, operator));
      return;
    }
    if (operator.upsample) x = this.#enlarge(x, output.level);
    const attributes = {
      kernel_shape: [kernel, kernel],
      group: groups,
      strides: [stride, stride],
      pads: this.pads(operator),
    };
    let y = this.convolved(x, operator, weight.shape, attributes);
    if (shift) y = onnx.node('Add', [y, onnx.node('Reshape', [this.rows(shift), onnx.ints([0, -1, 1, 1])])]);
    this.setPlanes(output, y);
  }

  /**
   * Of rows: first the product by each tap, then each tap's few results, as planes, are moved into place and added by a
   * convolution. So only these few results are turned into planes.
   */
  #narrowConvolution({ input, output, weight, bias }: Convolution): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { channels } = output;
    const kernel = emit.weight(weight, [channels, input.channels, TAPS]);
    const across = onnx.node('Transpose', [kernel], { attributes: { perm: [1, 2, 0] } });
    const matrix = onnx.node('Reshape', [across, onnx.ints([input.channels, TAPS * channels])]);
    const results = onnx.node('MatMul', [this.rows(input), matrix], {}, 'convolution');
    const planes = planesOfRows(emit, results, TAPS * channels, this.#extents.get(input.level)!);
    // From plane t · C' + c the result c takes the value at tap t.
    const places = new Float32Array(channels * TAPS * channels * TAPS);
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < TAPS; t++) places[(c * TAPS * channels + t * channels + c) * TAPS + t] = 1;
    const moves = onnx.floats(places, [channels, TAPS * channels, 3, 3]);
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    const inputs = [planes, moves, ...emit.offsets(bias, undefined)];
    return onnx.node('Conv', inputs, { attributes }, 'convolution');
  }

  #gatedUnit(unit: GatedUnit): void {
    const { linear, convolution, product } = unit;
    const extent = this.#extents.get(linear.input.level)!;
    const planesOf = (rows: Ref, channels: number) => planesOfRows(this.emit, rows, channels, extent);
    const [rim] = this.pads(convolution);
    this.setPlanes(product.output, gatedPlanes(this.emit, unit, this.rows(linear.input), planesOf, rim!));
  }

  #byteConvolution(operator: Convolution): void {
    const { input, output, upsample } = operator;
    const grid = this.grid(operator);
    this.setRows(
      output,
      upsample ? this.#windows.upsampled(grid, operator) : this.#windows.product(grid, operator),
    );
    if (input.level !== output.level) this.#extendTo(output.level, grid);
  }

  #pixelShuffle(operator: PixelShuffle): void {
    const { input, output } = operator;
    const isNext = output.level === input.level - 1;
    const repeat = this.#repeats.get(input.id);
    if (this.#form(repeat?.input ?? input).planes !== undefined || !isNext) {
      this.setPlanes(output, pixelShuffle(this.emit, this.source(operator), operator));
      return;
    }
    const isFolded = repeat && ByteWindows.shufflesRepeated(repeat);
    const grid = this.grid(isFolded ? { ...operator, input: repeat.input } : operator);
    this.setRows(
      output,
      isFolded ? this.#windows.shuffledRepeated(grid, repeat) : this.#windows.shuffled(grid, operator),
    );
    this.#extendTo(output.level, grid);
  }

  /** The extent of a level that is reached in rows. */
  #extendTo(level: number, { extent }: Grid): void {
    if (!this.#extents.has(level)) this.#extents.set(level, this.#windows.doubled(extent));
  }

  #transposedConvolution({ input, output, weight, bias }: TransposedConvolution): void {
    const { emit } = this;
    const inputs = [this.planes(input), emit.weight(weight), emit.weight(bias)];
    const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
    this.setPlanes(output, emit.onnx.node('ConvTranspose', inputs, { attributes }, 'convolution'));
  }

  #maskProduct({ input, tokens, output }: MaskProduct): void {
    const { onnx } = this.emit;
    const planes = this.planes(input);
    const kernels = this.emit.concat(
      tokens.map((token) => this.rows(token)),
      1,
    );
    const flat = onnx.node('Reshape', [planes, onnx.ints([0, 0, -1])]);
    const product = onnx.node('MatMul', [kernels, flat], {}, 'linear');
    const extent = onnx.node('Shape', [planes], { attributes: { start: 2, end: 4 } });
    const shape = this.emit.concat([onnx.ints([0, output.channels]), extent], 0);
    this.setPlanes(output, onnx.node('Reshape', [product, shape]));
  }

  #rotation(operator: Rotation): void {
    const rows = this.rows(operator.input);
    const key = [operator.input.length, ...operator.frequencies].join();
    const angles = this.#turns.get(key) ?? rowAngles(this.emit, rows, operator.frequencies, this.past);
    this.#turns.set(key, angles);
    this.setRows(operator.output, rotation(this.emit, rows, angles, operator));
  }

  /** How many rows of a sequence are before its own, int64 [1]; undefined if there are none. */
  protected get past(): Ref | undefined {
    return undefined;
  }

  #axisRotation(operator: AxisRotation): void {
    const { emit } = this;
    const extent = this.#extents.get(operator.input.image!)!;
    this.#angles ??= axisAngles(emit, gridPlaces(emit, extent), this.#textCount!, operator);
    this.setRows(operator.output, axisRotation(emit, this.rows(operator.input), this.#angles, operator));
  }

  /** The number of a level's positions: [1]. */
  #area(level: number): Ref {
    const [height, width] = this.emit.split(this.#extents.get(level)!, [1, 1], 0);
    return this.emit.onnx.node('Mul', [height!, width!]);
  }

  /** The input planes of an operator that reads a window. */
  protected source({ input }: Windowed): Ref {
    return this.planes(input);
  }

  /** As `source`, in rows. */
  protected grid({ input }: Windowed): Grid {
    return { rows: this.rows(input), extent: this.#extents.get(input.level)! };
  }

  /** Zeros that the convolution itself pads its input with: above, left, below, right. */
  protected pads({ kernel, padding }: Convolution): readonly number[] {
    const k = Math.floor(kernel / 2);
    return { same: [k, k, k, k], end: [0, 0, 1, 1], none: [0, 0, 0, 0] }[padding];
  }

  /** A convolution of planes by a weight of the given shape, its batch norm folded in. */
  protected convolved(
    x: Ref,
    { type, weight, bias, norm }: Convolution | Linear,
    dims: readonly number[],
    attributes: Readonly<Record<string, number | readonly number[]>>,
  ): Ref {
    const { emit } = this;
    const kernel = emit.kernel(weight, norm, dims);
    const isWide = dims[2]! > 1 && (attributes.group ?? 1) === 1;
    const read = isWide ? emit.readable(x, kernel, dims) : [x, kernel];
    return emit.onnx.node('Conv', [...read, ...emit.offsets(bias, norm)], { attributes }, type);
  }

  protected linearAttention(operator: LinearAttention): void {
    this.setPlanes(operator.output, linearAttention(this.emit, this.planes(operator.input), operator));
  }

  protected layerNorm(operator: LayerNorm): void {
    this.setRows(operator.output, this.emit.layerNorm(this.rows(operator.input), operator));
  }

  protected attention(operator: Attention): void {
    const [query, key, value] = [operator.query, operator.key, operator.value].map((v) => this.rows(v));
    const mask = operator.mask && this.rows(operator.mask);
    if (operator.dealing) {
      const triple = [query!, key!, value!] as const;
      this.setRows(operator.output, dealtAttention(this.emit, triple, operator, this.#textCount!));
      return;
    }
    this.setRows(operator.output, attention(this.emit, query!, key!, value!, operator, mask));
  }

  #linear(operator: Linear): void {
    const { emit } = this;
    const { input, output, weight, bias, norm } = operator;
    const isFloat = !emit.isQuantized(weight, 'linear');
    if (input.kind === 'map' && isFloat && this.#form(input).rows === undefined) {
      const dims = [output.channels, input.channels, 1, 1];
      this.setPlanes(output, this.convolved(this.planes(input), operator, dims, { kernel_shape: [1, 1] }));
    } else {
      this.setRows(output, emit.linear(this.rows(input), weight, bias, norm));
    }
  }

  protected enlargement({ input, output }: Enlargement): void {
    const factor = 2 ** (input.level - output.level);
    this.setPlanes(output, enlarged(this.emit, this.planes(input), input.channels, factor));
  }

  protected groupNorm({ input, output, groups, epsilon, gain, bias, activation }: GroupNorm): void {
    const { emit } = this;
    const { onnx } = emit;
    const x = this.planes(input);
    const shape = onnx.node('Shape', [x]);
    const grouped = onnx.node('Reshape', [x, onnx.ints([0, groups, -1])]);
    const attributes = { epsilon: { float: epsilon } };
    const ones = onnx.floats(new Float32Array(groups).fill(1));
    const zeros = onnx.floats(new Float32Array(groups));
    let y = onnx.node('InstanceNormalization', [grouped, ones, zeros], { attributes }, 'group-norm');
    y = onnx.node('Reshape', [y, shape]);
    y = onnx.node('Mul', [y, emit.weight(gain, [input.channels, 1, 1])], {}, 'group-norm');
    y = onnx.node('Add', [y, emit.weight(bias, [input.channels, 1, 1])], {}, 'group-norm');
    this.setPlanes(output, activation ? emit.activation(y, activation) : y);
  }

  #scaled({ input, by, index, output }: Scaled): void {
    const { onnx } = this.emit;
    const factor = onnx.node('Gather', [this.rows(by), onnx.ints([index])], { attributes: { axis: 1 } });
    if (this.#form(input).planes === undefined) {
      const rows = onnx.node('Reshape', [factor, onnx.ints([-1, 1, 1])]);
      this.setRows(output, onnx.node('Mul', [this.rows(input), rows]));
    } else {
      const planes = onnx.node('Reshape', [factor, onnx.ints([-1, 1, 1, 1])]);
      this.setPlanes(output, onnx.node('Mul', [this.planes(input), planes]));
    }
  }

  /** Element by element, of two values or a value and a vector. */
  #both({ inputs: [a, b], output }: Sum | Product, compute: (a: Ref, b: Ref) => Ref): void {
    const { onnx } = this.emit;
    const isVector = b.kind === 'vector' && a.kind !== 'vector';
    const planes = this.#form(a).planes !== undefined && (isVector || this.#form(b).planes !== undefined);
    if (planes) {
      const other = isVector ? onnx.node('Unsqueeze', [this.rows(b), onnx.ints([2, 3])]) : this.planes(b);
      this.setPlanes(output, compute(this.planes(a), other));
    } else {
      const other = isVector ? this.emit.everyRow(this.rows(b)) : this.rows(b);
      this.setRows(output, compute(this.rows(a), other));
    }
  }

  #concatenate({ inputs, output }: Concat): void {
    if (output.kind === 'map') {
      const planes = inputs.map((value) => this.planes(value));
      this.setPlanes(output, this.emit.concat(planes, 1));
    } else {
      const rows = inputs.map((value) => this.rows(value));
      this.setRows(output, this.emit.concat(rows, -1));
    }
  }

  /**
   * Nearest-neighbour ×2 and a 3×3 convolution as four 2×2 convolutions of the smaller map, one for each parity class
   * of the result: 4/9 of the products. Only where the finer map is exactly twice as large, as in a decoder.
   */
  #upsampled(x: Ref, { input, output, weight, bias }: Convolution): Ref {
    const { onnx } = this.emit;
    const classes = [0, 1, 2, 3].map((parity) => {
      const [below, right] = [parity >> 1, parity & 1];
      const kernel = this.emit.foldedKernel(weight, parity);
      const read = this.emit.readable(x, kernel, [output.channels, input.channels, 2, 2]);
      const inputs = [...read, ...(bias ? [this.emit.weight(bias)] : [])];
      const attributes = { kernel_shape: [2, 2], pads: [1 - below, 1 - right, below, right] };
      return onnx.node('Conv', inputs, { attributes }, 'convolution');
    });
    return onnx.node('DepthToSpace', [this.emit.concat(classes, 1)], { attributes: { blocksize: 2 } });
  }

  /** Nearest-neighbour ×2, cut to the size of a level that is known from the way down. */
  #enlarge(x: Ref, level: number): Ref {
    const { onnx } = this.emit;
    const attributes = {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    };
    const known = this.#extents.get(level);
    if (known === undefined) return onnx.node('Resize', [x, '', onnx.floats([1, 1, 2, 2])], { attributes });
    const leading = onnx.node('Shape', [x], { attributes: { start: 0, end: 2 } });
    return onnx.node('Resize', [x, '', '', this.emit.concat([leading, known], 0)], { attributes });
  }

  /** Element by element, in whichever layout the input has. */
  #elementwise(
    { input, output }: { input: Features; output: Features },
    compute: (x: Ref, channelAxis: 1 | -1) => Ref,
  ): void {
    const { planes } = this.#form(input);
    if (planes !== undefined) this.setPlanes(output, compute(planes, 1));
    else this.setRows(output, compute(this.rows(input), -1));
  }

  #rmsNorm(operator: RmsNorm): void {
    const { emit } = this;
    const { input, output, heads } = operator;
    const { planes } = this.#form(input);
    const inPlanes = planes !== undefined && heads === 1 && !emit.multipliesRows;
    if (inPlanes) this.setPlanes(output, emit.rmsNorm(planes, operator, 1));
    else this.setRows(output, emit.rmsNorm(this.rows(input), operator, -1));
  }

  #form(value: Value): Forms {
    const repeat = this.#repeats.get(value.id);
    if (repeat) {
      this.#repeats.delete(value.id);
      this.#elementwise(repeat, (x, axis) => channelRepeat(this.emit, x, repeat, axis));
    }
    const forms = this.#forms.get(value.id);
    if (!forms) throw new Error(`value ${value.id} is read before it is computed`);
    return forms;
  }

  protected setPlanes(value: Features, ref: Ref): void {
    this.#forms.set(value.id, { planes: ref });
    if (value.kind !== 'map' || this.#extents.has(value.level)) return;
    const attributes = { start: 2, end: 4 };
    this.#extents.set(value.level, this.emit.onnx.node('Shape', [ref], { attributes }));
  }

  protected setRows(value: Value, ref: Ref): void {
    this.#forms.set(value.id, { rows: ref });
  }

  protected planes(value: Features): Ref {
    const forms = this.#form(value);
    if (forms.planes !== undefined) return forms.planes;
    if (value.kind !== 'map') throw new Error('only maps have planes');
    const extent = this.#extents.get(value.level)!;
    forms.planes = planesOfRows(this.emit, forms.rows!, value.channels, extent);
    return forms.planes;
  }

  protected rows(value: Value): Ref {
    const forms = this.#form(value);
    if (forms.rows !== undefined) return forms.rows;
    forms.rows = rowsOfPlanes(this.emit, forms.planes!, (value as Features).channels);
    return forms.rows;
  }
}
