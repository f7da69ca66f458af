import type {
  ActivationName,
  BatchNorm,
  Embedding,
  Geglu,
  GroupNorm,
  LayerNorm,
  RmsNorm,
  Sinusoid,
} from '../../graph/operators.ts';
import type { Weight } from '../../graph/values.ts';
import { COARSE_TAPS, matrixShape } from '../../quantization/layers.ts';
import { BLOCK, type Layout } from '../../weights/quantized.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { watchNames } from '../forms/watch.ts';
import { MICROSOFT, OnnxBuilder, type Part, type Ref } from './onnx/onnx.ts';
import type { Target } from './target.ts';

/** The left operand of products: rows, which may be gathered first. */
export interface Operand {
  rows: Ref;
  /** For bytes: value = (byte − zero) · scale. */
  bytes?: { scale: Ref; zero: Ref };
}

/** Operators with the same ONNX in every lowering, because they work on rows [B, N, C] or element by element. */
export class Emitter {
  readonly onnx: OnnxBuilder;
  readonly #weights: Weights;
  readonly #readChannels: (channels: number) => number;
  readonly #bytes = new Map<Ref, Operand>();
  /** Rows that have been watched. */
  readonly #watched: Set<Ref> | undefined;

  /** `watch`: outputs statistics of the products' inputs, see `watchNames`. */
  constructor(weights: Weights, target: Target, options: { watch?: boolean } = {}) {
    this.onnx = new OnnxBuilder(target);
    this.#weights = weights;
    this.#readChannels = target.readChannels ?? ((channels) => channels);
    this.#watched = options.watch ? new Set() : undefined;
  }

  /** `part`: of the first axis. */
  weight(weight: Weight, dims = weight.shape, part?: Part): Ref {
    return this.onnx.weight(this.#weights.get(weight), dims, part);
  }

  /** Whether some of the network's weights are quantized matrices, which rows are multiplied by. */
  get multipliesRows(): boolean {
    return this.#weights.matrix !== undefined;
  }

  /** Whether a weight is a quantized matrix in a layout. */
  isQuantized(weight: Weight, layout: Layout): boolean {
    return this.#weights.matrix?.(weight, layout) !== undefined;
  }

  /** x · wᵀ + b over the last axis. `part`: only these channels of the result, which have no norm. */
  linear(x: Ref, weight: Weight, bias?: Weight, norm?: BatchNorm, part?: Part): Ref {
    if (norm) {
      const [out, channels] = weight.shape as [number, number];
      const y = this.#transposedProduct(x, this.kernel(weight, norm, [out, channels]), 'linear');
      return this.onnx.node('Add', [y, ...this.offsets(bias, norm)], {}, 'linear');
    }
    const added = { ...(bias && { bias: this.weight(bias, undefined, part) }), ...(part && { part }) };
    return this.product(this.operand(x, weight, 'linear'), weight, 'linear', added);
  }

  /** A weight with the batch norm after it folded in; ONNX Runtime computes it once, when the model is loaded. */
  kernel(weight: Weight, norm: BatchNorm | undefined, dims = weight.shape): Ref {
    const plain = this.weight(weight, dims);
    if (!norm) return plain;
    const perRow = [dims[0]!, ...dims.slice(1).map(() => 1)];
    const scale = this.onnx.node('Reshape', [this.#scale(norm), this.onnx.ints(perRow)]);
    return this.onnx.node('Mul', [plain, scale]);
  }

  /**
   * Planes and kernel of a convolution without groups, with channels of zeros where the target needs more. ONNX Runtime
   * computes the kernel once, when the model is loaded.
   */
  readable(x: Ref, kernel: Ref, [outputs, channels, ...taps]: readonly number[]): [Ref, Ref] {
    const added = this.#readChannels(channels!) - channels!;
    if (added === 0) return [x, kernel];
    const { onnx } = this;
    const dims = [outputs!, added, ...taps];
    const zeros = onnx.floats(new Float32Array(dims.reduce((a, b) => a * b)), dims);
    const planes = onnx.node('Pad', [x, onnx.ints([0, 0, 0, 0, 0, added, 0, 0])], {}, 'convolution');
    return [planes, this.concat([kernel, zeros], 1)];
  }

  /** The term added to each channel after the product: the bias with batch norm folded in, if there is any. */
  offsets(bias: Weight | undefined, norm: BatchNorm | undefined): [] | [Ref] {
    if (!norm) return bias ? [this.weight(bias)] : [];
    const { onnx } = this;
    const mean = this.weight(norm.mean);
    const centred = bias ? onnx.node('Sub', [mean, this.weight(bias)]) : mean;
    return [onnx.node('Sub', [this.weight(norm.bias), onnx.node('Mul', [centred, this.#scale(norm)])])];
  }

  #scale({ gain, variance, epsilon }: BatchNorm): Ref {
    const { onnx } = this;
    const stable = onnx.node('Add', [this.weight(variance), onnx.floats([epsilon])]);
    return onnx.node('Div', [this.weight(gain), onnx.node('Sqrt', [stable])]);
  }

  geglu(x: Ref, { weight, bias, output }: Geglu): Ref {
    const count = output.channels;
    const [value, gate] = [0, 1].map((half) => {
      const layout = `half.${half}` as const;
      const part = { from: half * count, count };
      const added = { bias: this.onnx.weight(this.#weights.get(bias), bias.shape, part) };
      return this.product(this.operand(x, weight, layout), weight, layout, added);
    });
    const gated = this.gelu(gate!, 'geglu');
    return this.onnx.node('Mul', [value!, gated], {}, 'geglu');
  }

  /** Rows [B, N, C] as the left operand of a product by a weight: bytes if the weight is int8. */
  operand(x: Ref, weight: Weight, layout: Layout): Operand {
    if (this.#watched && !this.#watched.has(x)) this.#see(x, weight, this.#watched);
    if (this.#weights.matrix?.(weight, layout)?.form !== 'int8') return { rows: x };
    let operand = this.#bytes.get(x);
    if (!operand) {
      const [rows, scale, zero] = this.onnx.nodes('DynamicQuantizeLinear', [x], 3, {}, 'quantize');
      operand = { rows: rows!, bytes: { scale: scale!, zero: zero! } };
      this.#bytes.set(x, operand);
    }
    return operand;
  }

  /**
   * Rows by the matrix of a weight, plus a bias [N] and a shift [B or 1, 1, N]. `label` names it in profiles; `part`: by
   * these columns of the matrix of a linear map.
   */
  product(
    { rows, bytes }: Operand,
    weight: Weight,
    layout: Layout,
    { bias, shift, part }: { bias?: Ref; shift?: Ref; part?: Part } = {},
    label = 'linear',
  ): Ref {
    const { onnx } = this;
    const plus = (a: Ref, b?: Ref) => (b ? onnx.node('Add', [a, b], {}, label) : a);
    const matrix = this.#weights.matrix?.(weight, layout);
    if (!matrix) {
      const y = this.#floatProduct(rows, weight, layout, label, part);
      return bias ? plus(y, plus(bias, shift)) : plus(y, shift);
    }
    const scale = onnx.weight(matrix.scale, undefined, part);
    if (bytes) {
      const values = this.#columns(onnx.weight(matrix.values), part);
      const inputs = [rows, values, bytes.scale, scale, bytes.zero, '', bias ?? ''];
      return plus(onnx.node('MatMulIntegerToFloat', inputs, { domain: MICROSOFT }, label), shift);
    }
    const values = onnx.weight(matrix.values, undefined, part);
    const bits = matrix.form === 'blocks-4' ? 4 : 8;
    const attributes = { K: matrix.rows, N: part?.count ?? matrix.columns, bits, block_size: BLOCK };
    const options = { domain: MICROSOFT, attributes };
    const y = onnx.node('MatMulNBits', [rows, values, scale, '', '', bias ?? ''], options, label);
    const minimum = matrix.minimum && onnx.weight(matrix.minimum, undefined, part);
    return plus(minimum ? this.#plusMinimum(y, rows, minimum, matrix.minimum!.shape[1]!, label) : y, shift);
  }

  /** Some columns of a matrix of bytes [K, N]. ONNX Runtime cuts them out once, when the model is loaded. */
  #columns(matrix: Ref, part: Part | undefined): Ref {
    if (!part) return matrix;
    const { onnx } = this;
    const [from, to, axis] = [part.from, part.from + part.count, 1].map((value) => onnx.ints([value]));
    return onnx.node('Slice', [matrix, from!, to!, axis!]);
  }

  /** Adds what a number that is added to each block of a matrix gives: it is multiplied by the sum of the block's rows. */
  #plusMinimum(y: Ref, rows: Ref, minimum: Ref, blocks: number, label: string): Ref {
    const { onnx } = this;
    const inBlocks = onnx.node('Reshape', [rows, onnx.ints([-1, blocks, BLOCK])]);
    const sums = onnx.node('ReduceSum', [inBlocks, onnx.ints([2])], { attributes: { keepdims: 0 } }, label);
    const added = this.#transposedProduct(sums, minimum, label);
    return onnx.node('Add', [y, onnx.node('Reshape', [added, onnx.node('Shape', [y])])], {}, label);
  }

  /** rows · matrixᵀ, for a matrix [out, in] in the layout of checkpoints. */
  #transposedProduct(rows: Ref, matrix: Ref, label: string): Ref {
    const { onnx } = this;
    if (onnx.has('FusedMatMul', MICROSOFT)) {
      const options = { domain: MICROSOFT, attributes: { transB: 1 } };
      return onnx.node('FusedMatMul', [rows, matrix], options, label);
    }
    // Computed once, when the model is loaded.
    const across = onnx.node('Transpose', [matrix], { attributes: { perm: [1, 0] } });
    return onnx.node('MatMul', [rows, across], {}, label);
  }

  #floatProduct(rows: Ref, weight: Weight, layout: Layout, label: string, columns?: Part): Ref {
    const { onnx } = this;
    const [out, channels] = weight.shape as [number, number];
    if (layout === 'linear' || layout.startsWith('half')) {
      const [, count] = matrixShape(weight, layout);
      const part = layout === 'linear' ? columns : { from: layout === 'half.1' ? count : 0, count };
      return this.#transposedProduct(rows, this.weight(weight, [out, channels], part), label);
    }
    // [C', C, taps] → [taps · C, C'], taps first. ONNX Runtime computes this once, when the model is loaded.
    const kernel =
      layout === 'window'
        ? this.weight(weight, [out, channels, 9])
        : onnx.node('Reshape', [
            this.foldedKernel(weight, Number(layout.slice('corner.'.length))),
            onnx.ints([out, channels, 4]),
          ]);
    const flat = onnx.node('Transpose', [kernel], { attributes: { perm: [2, 1, 0] } });
    const matrix = onnx.node('Reshape', [flat, onnx.ints(matrixShape(weight, layout))]);
    return onnx.node('MatMul', [rows, matrix], {}, label);
  }

  /** Adds the outputs of `watchNames` for rows that products read: [C] each. */
  #see(x: Ref, weight: Weight, watched: Set<Ref>): void {
    const { onnx } = this;
    watched.add(x);
    const over = onnx.ints([0, 1]);
    const without = { attributes: { keepdims: 0 } };
    const channels = weight.shape[1]!;
    const flat = onnx.node('Reshape', [x, onnx.ints([1, -1, channels])]);
    const names = watchNames(weight);
    const give = (name: string, type: string, of: Ref) =>
      onnx.output(name, onnx.node(type, [of, over], without), 'float32', [channels]);
    give(names.largest, 'ReduceMax', onnx.node('Abs', [flat]));
    give(names.mean, 'ReduceMean', flat);
    give(names.square, 'ReduceMean', onnx.node('Mul', [flat, flat]));
  }

  layerNorm(x: Ref, { gain, bias, epsilon, input }: LayerNorm): Ref {
    const { onnx } = this;
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    const scale = gain ? this.weight(gain) : onnx.floats(new Float32Array(input.channels).fill(1));
    const inputs = [x, scale, ...(bias ? [this.weight(bias)] : [])];
    return onnx.node('LayerNormalization', inputs, { attributes });
  }

  /** RMS norm of rows [B, N, C] (axis −1) or planes [B, C, H, W] (axis 1). */
  rmsNorm(x: Ref, operator: RmsNorm, axis: 1 | -1): Ref {
    const { onnx } = this;
    const { gain, bias, plusOne, heads, input } = operator;
    const parts = heads > 1 ? onnx.node('Reshape', [x, onnx.ints([0, 0, heads, -1])]) : x;
    const dims = (weight: Weight) => (axis === 1 ? [...weight.shape, 1, 1] : weight.shape);
    const stored = gain && this.weight(gain, dims(gain));
    const factor = stored && plusOne ? onnx.node('Add', [stored, onnx.floats([1], [])]) : stored;
    let y = this.#overLength(parts, factor, operator, axis);
    if (bias) y = onnx.node('Add', [y, this.weight(bias, dims(bias))], {}, 'rms-norm');
    return heads > 1 ? onnx.node('Reshape', [y, onnx.ints([0, 0, input.channels])]) : y;
  }

  /** x / √(mean of squares along an axis + epsilon) · factor. Over the last axis in one operator, where there is one. */
  #overLength(x: Ref, factor: Ref | undefined, { epsilon, heads, input }: RmsNorm, axis: 1 | -1): Ref {
    const { onnx } = this;
    if (axis === -1 && onnx.has('SimplifiedLayerNormalization')) {
      const scale = factor ?? onnx.floats(new Float32Array(input.channels / heads).fill(1));
      const attributes = { axis: -1, epsilon: { float: epsilon } };
      return onnx.node('SimplifiedLayerNormalization', [x, scale], { attributes }, 'rms-norm');
    }
    const square = onnx.node('Mul', [x, x], {}, 'rms-norm');
    const mean = onnx.node('ReduceMean', [square, onnx.ints([axis])], {}, 'rms-norm');
    const length = onnx.node('Sqrt', [onnx.node('Add', [mean, onnx.floats([epsilon], [])])]);
    const y = onnx.node('Div', [x, length], {}, 'rms-norm');
    return factor === undefined ? y : onnx.node('Mul', [y, factor], {}, 'rms-norm');
  }

  /** A vector [B or 1, C] as it is added to rows [B, N, C] or multiplied with them. */
  everyRow(vector: Ref): Ref {
    return this.onnx.node('Unsqueeze', [vector, this.onnx.ints([1])]);
  }

  /** Rows [B, N, C] · (1 + scale) + shift, of vectors [B or 1, C]. */
  modulation(rows: Ref, scale: Ref, shift: Ref): Ref {
    const { onnx } = this;
    const factor = this.everyRow(onnx.node('Add', [scale, onnx.floats([1], [])]));
    const scaled = onnx.node('Mul', [rows, factor], {}, 'modulation');
    return onnx.node('Add', [scaled, this.everyRow(shift)], {}, 'modulation');
  }

  multiply(a: Ref, b: Ref): Ref {
    return this.onnx.node('Mul', [a, b], {}, 'product');
  }

  split(x: Ref, lengths: readonly number[], axis: number): Ref[] {
    return this.onnx.nodes('Split', [x, this.onnx.ints(lengths)], lengths.length, { attributes: { axis } });
  }

  /**
   * The 2×2 kernel [C', C, 2, 2] that replaces a 3×3 one after nearest-neighbour ×2, for the fine positions of one
   * parity class (2 · (y mod 2) + x mod 2): rows and columns that read the same coarse position are added.
   * ONNX Runtime computes it once, when the model is loaded.
   */
  foldedKernel(weight: Weight, parity: number): Ref {
    const { onnx } = this;
    const [down, across] = [COARSE_TAPS[parity >> 1]!, COARSE_TAPS[parity & 1]!];
    const transposed = [0, 1, 2].flatMap((tap) => [across[0][tap]!, across[1][tap]!]);
    const rows = onnx.node('MatMul', [onnx.floats(down.flat(), [2, 3]), this.weight(weight)]);
    return onnx.node('MatMul', [rows, onnx.floats(transposed, [3, 2])]);
  }

  /** Group norm by given moments [2B, G, 1]: means, then means of squares. `dims`: see `scaleAndOffset`. */
  groupNorm(x: Ref, moments: Ref, operator: GroupNorm, dims: readonly number[]): Ref {
    const [scale, offset] = this.scaleAndOffset(moments, operator, dims);
    return this.scaled(x, scale, offset, operator);
  }

  /**
   * Scale and offset of group norm from moments [2B, G, 1]. `dims` is the shape that broadcasts one number for each
   * channel to x, e.g. [−1, 1, C] for rows. A negative variance is replaced by that of the moments `instead`.
   */
  scaleAndOffset(moments: Ref, operator: GroupNorm, dims: readonly number[], instead?: Ref): [Ref, Ref] {
    const { onnx } = this;
    const { groups, gain, bias, epsilon, input } = operator;
    const spread = (of: Ref): [mean: Ref, variance: Ref] => {
      const [mean, square] = onnx.nodes('Split', [of], 2, { attributes: { axis: 0, num_outputs: 2 } });
      return [mean!, onnx.node('Sub', [square!, onnx.node('Mul', [mean!, mean!])])];
    };
    let [mean, variance] = spread(moments);
    if (instead) {
      const isNegative = onnx.node('Less', [variance, onnx.floats([0])]);
      variance = onnx.node('Where', [isNegative, spread(instead)[1], variance]);
    }
    // Rounding can make the variance of a nearly constant group negative.
    const known = onnx.node('Relu', [variance]);
    const deviation = onnx.node('Sqrt', [onnx.node('Add', [known, onnx.floats([epsilon])])]);
    const perGroup = [1, groups, input.channels / groups];
    const scale = onnx.node('Div', [this.weight(gain, perGroup), deviation]);
    const offset = onnx.node('Sub', [this.weight(bias, perGroup), onnx.node('Mul', [mean, scale])]);
    const shape = onnx.ints(dims);
    return [onnx.node('Reshape', [scale, shape]), onnx.node('Reshape', [offset, shape])];
  }

  /**
   * Group norm of rows [B, N, C] by moments [2B, 1, G]: means, then means of squares plus epsilon. As `groupNorm`, with
   * the groups' numbers repeated for their channels first, which takes fewer operators.
   */
  channelNorm(x: Ref, moments: Ref, operator: GroupNorm): Ref {
    const { onnx } = this;
    const { groups, gain, bias, epsilon, input } = operator;
    const size = input.channels / groups;
    const repeats = new Float32Array(groups * input.channels);
    for (let c = 0; c < input.channels; c++) repeats[Math.floor(c / size) * input.channels + c] = 1;
    const matrix = onnx.floats(repeats, [groups, input.channels]);
    const each = onnx.node('MatMul', [moments, matrix], {}, 'moments');
    const [mean, square] = onnx.nodes('Split', [each], 2, { attributes: { axis: 0, num_outputs: 2 } });
    const variance = onnx.node('Sub', [square!, onnx.node('Mul', [mean!, mean!])]);
    // Rounding can make the variance of a nearly constant group negative.
    const deviation = onnx.node('Sqrt', [onnx.node('Max', [variance, onnx.floats([epsilon])])]);
    const scale = onnx.node('Div', [this.weight(gain), deviation]);
    const offset = onnx.node('Sub', [this.weight(bias), onnx.node('Mul', [mean!, scale])]);
    return this.scaled(x, scale, offset, operator);
  }

  /** x · scale + offset, then the norm's activation. */
  scaled(x: Ref, scale: Ref, offset: Ref, { activation }: GroupNorm): Ref {
    const { onnx } = this;
    const y = onnx.node('Add', [onnx.node('Mul', [x, scale], {}, 'group-norm'), offset], {}, 'group-norm');
    return activation ? this.activation(y, activation) : y;
  }

  activation(x: Ref, name: ActivationName): Ref {
    if (name === 'relu') return this.onnx.node('Relu', [x]);
    if (name === 'leaky_relu')
      return this.onnx.node('LeakyRelu', [x], { attributes: { alpha: { float: 0.2 } } });
    if (name === 'hard_swish') return this.onnx.node('HardSwish', [x]);
    if (name === 'gelu_tanh') return this.#tanhGelu(x);
    if (name === 'gelu') return this.gelu(x);
    // QuickGelu is x · sigmoid(alpha · x).
    const alpha = name === 'silu' ? 1 : 1.702;
    const { onnx } = this;
    if (onnx.has('QuickGelu', MICROSOFT))
      return onnx.node(
        'QuickGelu',
        [x],
        { domain: MICROSOFT, attributes: { alpha: { float: alpha } } },
        name,
      );
    const scaled = alpha === 1 ? x : onnx.node('Mul', [x, onnx.floats([alpha], [])]);
    return onnx.node('Mul', [x, onnx.node('Sigmoid', [scaled])], {}, name);
  }

  /** x · Φ(x), with the error function. */
  gelu(x: Ref, label = 'Gelu'): Ref {
    const { onnx } = this;
    if (onnx.has('Gelu', MICROSOFT)) return onnx.node('Gelu', [x], { domain: MICROSOFT }, label);
    const erf = onnx.node('Erf', [onnx.node('Mul', [x, onnx.floats([Math.SQRT1_2], [])])]);
    return this.#halved(x, erf, label);
  }

  /** As `gelu`, with tanh(√(2/π) · (x + 0.044715 · x³)) in place of the error function. */
  #tanhGelu(x: Ref): Ref {
    const { onnx } = this;
    if (onnx.has('FastGelu', MICROSOFT)) return onnx.node('FastGelu', [x], { domain: MICROSOFT });
    const cube = onnx.node('Mul', [onnx.node('Mul', [x, x]), x]);
    const inner = onnx.node('Add', [x, onnx.node('Mul', [cube, onnx.floats([0.044715], [])])]);
    const scaled = onnx.node('Mul', [inner, onnx.floats([Math.sqrt(2 / Math.PI)], [])]);
    return this.#halved(x, onnx.node('Tanh', [scaled]), 'Gelu');
  }

  /** x · (1 + y) / 2. */
  #halved(x: Ref, y: Ref, label: string): Ref {
    const { onnx } = this;
    const share = onnx.node('Add', [y, onnx.floats([1], [])]);
    return onnx.node('Mul', [onnx.node('Mul', [x, share]), onnx.floats([0.5], [])], {}, label);
  }

  affine(x: Ref, scale: number, offset: number): Ref {
    const scaled = this.onnx.node('Mul', [x, this.onnx.floats([scale], [])]);
    return this.onnx.node('Add', [scaled, this.onnx.floats([offset], [])]);
  }

  softClamp(x: Ref, limit: number): Ref {
    const bound = this.onnx.floats([limit], []);
    return this.onnx.node('Mul', [this.onnx.node('Tanh', [this.onnx.node('Div', [x, bound])]), bound]);
  }

  /** `vectors`: rows for ids from the table's size on. */
  embedding(ids: Ref, vectors: Ref | undefined, { table, positions }: Embedding): Ref {
    const { onnx } = this;
    const [size, first] = [onnx.ints([table.shape[0]!]), onnx.ints([0])];
    const isVector = vectors === undefined ? undefined : onnx.node('GreaterOrEqual', [ids, size]);
    const known = isVector === undefined ? ids : onnx.node('Where', [isVector, first, ids]);
    let rows = this.#tableRows(table, known);
    if (vectors !== undefined && isVector !== undefined) {
      const others = onnx.node('Where', [isVector, onnx.node('Sub', [ids, size]), first]);
      const which = onnx.node('Unsqueeze', [isVector, onnx.ints([-1])]);
      rows = onnx.node('Where', [which, onnx.node('Gather', [vectors, others]), rows]);
    }
    if (!positions) return rows;
    const length = onnx.node('Shape', [ids], { attributes: { start: 1, end: 2 } });
    const places = onnx.node('Slice', [this.weight(positions), onnx.ints([0]), length, onnx.ints([0])]);
    return onnx.node('Add', [rows, places]);
  }

  #tableRows(table: Weight, ids: Ref): Ref {
    const { onnx } = this;
    const quantized = this.#weights.table?.(table);
    const taken = (from: Ref) => onnx.node('Gather', [from, ids]);
    if (!quantized) {
      const inFile = this.#weights.get(table);
      if (inFile.scale || !onnx.readsHalf) return taken(this.weight(table));
      return onnx.cast(taken(onnx.stored(inFile)), 'float32');
    }
    const values = onnx.cast(taken(onnx.weight(quantized.values)), 'float32');
    return onnx.node('Mul', [values, taken(onnx.weight(quantized.scale))]);
  }

  sinusoid(x: Ref, { channels, shift, flip, output }: Sinusoid): Ref {
    const { onnx } = this;
    const half = channels / 2;
    const frequencies = Array.from({ length: half }, (_, i) =>
      Math.exp((-Math.log(10000) * i) / (half - shift)),
    );
    const column = onnx.node('Unsqueeze', [x, onnx.ints([-1])]);
    const angles = onnx.node('Mul', [column, onnx.floats(frequencies)]);
    const parts = [onnx.node('Sin', [angles]), onnx.node('Cos', [angles])];
    if (flip) parts.reverse();
    return onnx.node('Reshape', [this.concat(parts, -1), onnx.ints([0, output.channels])]);
  }

  /** 0, 1, … up to a count, an integer []. As float32: on a device only the count is converted outside it. */
  range(count: Ref): Ref {
    const { onnx } = this;
    return onnx.node('Range', [onnx.floats([0], []), onnx.cast(count, 'float32'), onnx.floats([1], [])]);
  }

  sum(a: Ref, b: Ref): Ref {
    return this.onnx.node('Add', [a, b], {}, 'sum');
  }

  concat(inputs: readonly Ref[], axis: number): Ref {
    return this.onnx.node('Concat', inputs, { attributes: { axis } });
  }
}
