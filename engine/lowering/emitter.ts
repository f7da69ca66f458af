import { MICROSOFT, OnnxBuilder, type Ref } from '../graph/onnx.ts';
import type {
  ActivationName,
  Attention,
  BatchNorm,
  Embedding,
  Geglu,
  GroupNorm,
  LayerNorm,
  LinearAttention,
  PositionMap,
  PromptTokens,
  Sinusoid,
} from '../graph/operators.ts';
import type { Weight } from '../graph/values.ts';
import { BLOCK } from '../quantization/arithmetic.ts';
import { type Layout, matrixShape } from '../quantization/layers.ts';
import type { Weights } from '../weights/table.ts';

/** The left side of products: rows as they are multiplied, which may be gathered first. */
export interface Operand {
  rows: Ref;
  /** Of bytes: value = (byte − zero) · scale. */
  bytes?: { scale: Ref; zero: Ref };
}

/** Operators that are the same ONNX in every lowering, because they work on rows [B, N, C] or element by element. */
export class Emitter {
  readonly onnx = new OnnxBuilder();
  readonly #weights: Weights;
  readonly #bytes = new Map<Ref, Operand>();
  /** Rows that are watched already. */
  readonly #watched: Set<Ref> | undefined;

  /** `watch`: gives the size of what products read as outputs, see `watchNames`. */
  constructor(weights: Weights, options: { watch?: boolean } = {}) {
    this.#weights = weights;
    this.#watched = options.watch ? new Set() : undefined;
  }

  weight(weight: Weight, dims = weight.shape): Ref {
    return this.onnx.weight(this.#weights.get(weight), dims);
  }

  /** x · wᵀ + b over the last axis. */
  linear(x: Ref, weight: Weight, bias?: Weight, norm?: BatchNorm): Ref {
    if (norm) {
      const options = { domain: MICROSOFT, attributes: { transB: 1 } };
      const [out, channels] = weight.shape as [number, number];
      const matrix = this.kernel(weight, norm, [out, channels]);
      const y = this.onnx.node('FusedMatMul', [x, matrix], options, 'linear');
      return this.onnx.node('Add', [y, ...this.offsets(bias, norm)], {}, 'linear');
    }
    const added = bias && { bias: this.weight(bias) };
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

  /** What is added to each channel after the product, if anything: the bias with the batch norm folded in. */
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
    const gated = this.onnx.node('Gelu', [gate!], { domain: MICROSOFT }, 'geglu');
    return this.onnx.node('Mul', [value!, gated], {}, 'geglu');
  }

  /** Rows [B, N, C] as a product by a weight takes them: as bytes where the weight is int8. */
  operand(x: Ref, weight: Weight, layout: Layout): Operand {
    if (this.#watched && !this.#watched.has(x)) this.#see(x, weight, this.#watched);
    if (this.#weights.matrix?.(weight, layout)?.kind !== 'int8') return { rows: x };
    let operand = this.#bytes.get(x);
    if (!operand) {
      const [rows, scale, zero] = this.onnx.nodes('DynamicQuantizeLinear', [x], 3, {}, 'quantize');
      operand = { rows: rows!, bytes: { scale: scale!, zero: zero! } };
      this.#bytes.set(x, operand);
    }
    return operand;
  }

  /**
   * Rows by the matrix of a weight, plus a bias [N] and a shift [B or 1, 1, N]. `label` names it in profiles.
   */
  product(
    { rows, bytes }: Operand,
    weight: Weight,
    layout: Layout,
    { bias, shift }: { bias?: Ref; shift?: Ref } = {},
    label = 'linear',
  ): Ref {
    const { onnx } = this;
    const plus = (a: Ref, b?: Ref) => (b ? onnx.node('Add', [a, b], {}, label) : a);
    const matrix = this.#weights.matrix?.(weight, layout);
    if (!matrix) {
      const y = this.#floatProduct(rows, weight, layout, label);
      return bias ? plus(y, plus(bias, shift)) : plus(y, shift);
    }
    const values = onnx.weight(matrix.values);
    const scale = onnx.weight(matrix.scale);
    if (bytes) {
      const inputs = [rows, values, bytes.scale, scale, bytes.zero, '', bias ?? ''];
      return plus(onnx.node('MatMulIntegerToFloat', inputs, { domain: MICROSOFT }, label), shift);
    }
    const attributes = { K: matrix.rows, N: matrix.columns, bits: 4, block_size: BLOCK };
    const options = { domain: MICROSOFT, attributes };
    return plus(onnx.node('MatMulNBits', [rows, values, scale, '', '', bias ?? ''], options, label), shift);
  }

  #floatProduct(rows: Ref, weight: Weight, layout: Layout, label: string): Ref {
    const { onnx } = this;
    const [out, channels] = weight.shape as [number, number];
    const [, columns] = matrixShape(weight, layout);
    if (layout === 'linear' || layout.startsWith('half')) {
      const part = { from: layout === 'half.1' ? columns : 0, count: columns };
      const matrix = onnx.weight(
        this.#weights.get(weight),
        [out, channels],
        layout === 'linear' ? undefined : part,
      );
      return onnx.node(
        'FusedMatMul',
        [rows, matrix],
        { domain: MICROSOFT, attributes: { transB: 1 } },
        label,
      );
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

  /** Outputs `largest.<weight>` and `square.<weight>` [C]: the largest absolute value and the mean square of rows. */
  #see(x: Ref, weight: Weight, watched: Set<Ref>): void {
    const { onnx } = this;
    watched.add(x);
    const over = onnx.ints([0, 1]);
    const without = { attributes: { keepdims: 0 } };
    const channels = [weight.shape[1]!];
    const flat = onnx.node('Reshape', [x, onnx.ints([1, -1, weight.shape[1]!])]);
    const largest = onnx.node('ReduceMax', [onnx.node('Abs', [flat]), over], without);
    const square = onnx.node('ReduceMean', [onnx.node('Mul', [flat, flat]), over], without);
    onnx.output(watchNames(weight).largest, largest, 'float32', channels);
    onnx.output(watchNames(weight).square, square, 'float32', channels);
  }

  layerNorm(x: Ref, { gain, bias, epsilon }: LayerNorm): Ref {
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    return this.onnx.node('LayerNormalization', [x, this.weight(gain), this.weight(bias)], { attributes });
  }

  attention(query: Ref, key: Ref, value: Ref, { heads, causal }: Attention): Ref {
    const attributes = { num_heads: heads, ...(causal && { unidirectional: 1 }) };
    const options = { domain: MICROSOFT, attributes };
    return this.onnx.node('MultiHeadAttention', [query, key, value], options, 'attention');
  }

  /**
   * Linear attention of planes [B, 3C, H, W] → [B, C, H, W].
   * @param complete makes the sums over all positions from those over the planes'.
   */
  linearAttention(
    planes: Ref,
    operator: LinearAttention,
    complete: (sums: Ref) => Ref = (sums) => sums,
  ): Ref {
    const { onnx } = this;
    const { headChannels: d, output } = operator;
    const [query, key, value] = this.headsOf(planes, operator);
    const sums = complete(this.keyValueSums(key, value));
    const seen = onnx.node('MatMul', [sums, query], {}, 'linear-attention');
    const [weighted, total] = this.split(seen, [d, 1], 2);
    const divisor = onnx.node('Add', [total!, onnx.floats([operator.epsilon], [])]);
    const y = onnx.node('Div', [weighted!, divisor], {}, 'linear-attention');
    const shape = onnx.node('Shape', [planes], { attributes: { start: 2, end: 4 } });
    return onnx.node('Reshape', [y, this.concat([onnx.ints([0, output.channels]), shape], 0)]);
  }

  /** relu(q), relu(k) and v of linear attention, each [B, heads, d, N]. */
  headsOf(planes: Ref, { headChannels: d, output }: LinearAttention): [Ref, Ref, Ref] {
    const { onnx } = this;
    const heads = onnx.node('Reshape', [planes, onnx.ints([0, output.channels / d, 3 * d, -1])]);
    const [query, key, value] = this.split(heads, [d, d, d], 2);
    return [onnx.node('Relu', [query!]), onnx.node('Relu', [key!]), value!];
  }

  /** Σ v·kᵀ over positions, and below it Σ kᵀ: [B, heads, d + 1, d]. */
  keyValueSums(key: Ref, value: Ref): Ref {
    const { onnx } = this;
    const across = onnx.node('Transpose', [key], { attributes: { perm: [0, 1, 3, 2] } });
    const sums = onnx.node('MatMul', [value, across], {}, 'linear-attention');
    const total = onnx.node('ReduceSum', [across, onnx.ints([2])], { attributes: { keepdims: 1 } });
    return this.concat([sums, total], 2);
  }

  /**
   * Planes [B, C, H, W] enlarged by bicubic interpolation: a depthwise convolution for each place that a result has
   * between the positions, which takes a tenth of the time of ONNX Runtime's cubic Resize.
   * @param pads positions by which the edge is repeated, as ONNX's Pad takes them; two on every side of a whole map.
   */
  enlarged(
    planes: Ref,
    channels: number,
    factor: number,
    pads: Ref = this.onnx.ints([0, 0, 2, 2, 0, 0, 2, 2]),
  ): Ref {
    const { onnx } = this;
    const edge = onnx.node('Pad', [planes, pads], { attributes: { mode: 'edge' } });
    const along = Array.from({ length: factor }, (_, place) => cubicTaps((place + 0.5) / factor - 0.5));
    const kernel = along.flatMap((down) => along.flatMap((across) => outer(down, across)));
    const taps = kernel.length / factor ** 2;
    const one = onnx.floats(kernel, [1, factor ** 2, taps]);
    const all = onnx.node('Expand', [one, onnx.ints([channels, factor ** 2, taps])]);
    const weight = onnx.node('Reshape', [all, onnx.ints([channels * factor ** 2, 1, 5, 5])]);
    const attributes = { kernel_shape: [5, 5], group: channels };
    const places = onnx.node('Conv', [edge, weight], { attributes }, 'enlargement');
    return onnx.node('DepthToSpace', [places], { attributes: { blocksize: factor, mode: 'CRD' } });
  }

  split(x: Ref, lengths: readonly number[], axis: number): Ref[] {
    return this.onnx.nodes('Split', [x, this.onnx.ints(lengths)], lengths.length, { attributes: { axis } });
  }

  /**
   * The 2×2 kernel [C', C, 2, 2] that replaces a 3×3 one after nearest-neighbour ×2, for the fine positions of one
   * parity class (2 · (y mod 2) + x mod 2): rows and columns that see the same coarse position are added.
   * ONNX Runtime computes it once, when the model is loaded.
   */
  foldedKernel(weight: Weight, parity: number): Ref {
    const { onnx } = this;
    // Which of the three taps fall on the first and on the second coarse position: [2, 3].
    const falls = [
      [1, 0, 0, 0, 1, 1],
      [1, 1, 0, 0, 0, 1],
    ];
    const [down, across] = [falls[parity >> 1]!, falls[parity & 1]!];
    const transposed = [0, 1, 2].flatMap((tap) => [across[tap]!, across[tap + 3]!]);
    const rows = onnx.node('MatMul', [onnx.floats(down, [2, 3]), this.weight(weight)]);
    return onnx.node('MatMul', [rows, onnx.floats(transposed, [3, 2])]);
  }

  /** Group norm by given moments [2B, G, 1]: means, then means of squares. `dims`: see `scaleAndOffset`. */
  groupNorm(x: Ref, moments: Ref, operator: GroupNorm, dims: readonly number[]): Ref {
    const [scale, offset] = this.scaleAndOffset(moments, operator, dims);
    return this.scaled(x, scale, offset, operator);
  }

  /**
   * What group norm multiplies and adds, from moments [2B, G, 1]. `dims` is the shape in which one number a channel
   * meets x, e.g. [−1, 1, C] for rows.
   */
  scaleAndOffset(moments: Ref, operator: GroupNorm, dims: readonly number[]): [Ref, Ref] {
    const { onnx } = this;
    const { groups, gain, bias, epsilon, input } = operator;
    const [mean, square] = onnx.nodes('Split', [moments], 2, { attributes: { axis: 0, num_outputs: 2 } });
    // Rounding can bring the variance of a nearly constant group below zero.
    const variance = onnx.node('Relu', [onnx.node('Sub', [square!, onnx.node('Mul', [mean!, mean!])])]);
    const deviation = onnx.node('Sqrt', [onnx.node('Add', [variance, onnx.floats([epsilon])])]);
    const perGroup = [1, groups, input.channels / groups];
    const scale = onnx.node('Div', [this.weight(gain, perGroup), deviation]);
    const offset = onnx.node('Sub', [this.weight(bias, perGroup), onnx.node('Mul', [mean!, scale])]);
    const shape = onnx.ints(dims);
    return [onnx.node('Reshape', [scale, shape]), onnx.node('Reshape', [offset, shape])];
  }

  /** x · scale + offset, then the norm's activation. */
  scaled(x: Ref, scale: Ref, offset: Ref, { activation }: GroupNorm): Ref {
    const { onnx } = this;
    const y = onnx.node('Add', [onnx.node('Mul', [x, scale], {}, 'group-norm'), offset], {}, 'group-norm');
    return activation ? this.activation(y, activation) : y;
  }

  activation(x: Ref, name: ActivationName): Ref {
    if (name === 'relu') return this.onnx.node('Relu', [x]);
    if (name === 'hard_swish') return this.onnx.node('HardSwish', [x]);
    if (name === 'gelu_tanh') return this.onnx.node('FastGelu', [x], { domain: MICROSOFT });
    if (name === 'gelu') return this.onnx.node('Gelu', [x], { domain: MICROSOFT });
    // QuickGelu is x · sigmoid(alpha · x).
    const alpha = { float: name === 'silu' ? 1 : 1.702 };
    return this.onnx.node('QuickGelu', [x], { domain: MICROSOFT, attributes: { alpha } }, name);
  }

  affine(x: Ref, scale: number, offset: number): Ref {
    const scaled = this.onnx.node('Mul', [x, this.onnx.floats([scale], [])]);
    return this.onnx.node('Add', [scaled, this.onnx.floats([offset], [])]);
  }

  softClamp(x: Ref, limit: number): Ref {
    const bound = this.onnx.floats([limit], []);
    return this.onnx.node('Mul', [this.onnx.node('Tanh', [this.onnx.node('Div', [x, bound])]), bound]);
  }

  embedding(ids: Ref, { table, positions }: Embedding): Ref {
    const { onnx } = this;
    const rows = onnx.node('Gather', [this.weight(table), ids]);
    const length = onnx.node('Shape', [ids], { attributes: { start: 1, end: 2 } });
    const places = onnx.node('Slice', [this.weight(positions), onnx.ints([0]), length, onnx.ints([0])]);
    return onnx.node('Add', [rows, places]);
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

  /** `extent`: height and width of the map, a tensor of two. Rows [1, H·W, C]. */
  positionMap(extent: Ref, { frequencies }: PositionMap): Ref {
    const { onnx } = this;
    const shares = [0, 1].map((axis) => {
      const length = onnx.node('Gather', [extent, onnx.ints([axis], [])]);
      const steps = onnx.node('Range', [onnx.ints([0], []), length, onnx.ints([1], [])]);
      const centres = onnx.node('Add', [onnx.cast(steps, 'float32'), onnx.floats([0.5], [])]);
      const share = onnx.node('Div', [centres, onnx.cast(length, 'float32')]);
      const shape = axis === 0 ? [-1, 1] : [1, -1];
      return onnx.node('Expand', [onnx.node('Reshape', [share, onnx.ints(shape)]), extent]);
    });
    const [y, x] = shares.map((share) => onnx.node('Reshape', [share, onnx.ints([1, -1, 1])]));
    return this.#waves(this.concat([x!, y!], 2), frequencies);
  }

  promptTokens(points: Ref, labels: Ref, operator: PromptTokens): Ref {
    const { onnx } = this;
    const { frame, frequencies, learned, rows, output } = operator;
    const centred = onnx.node('Add', [points, onnx.floats([0.5], [])]);
    const places = this.#waves(onnx.node('Div', [centred, onnx.floats([frame], [])]), frequencies);
    const isPoint = onnx.node('Unsqueeze', [
      onnx.node('GreaterOrEqual', [labels, onnx.ints([0], [])]),
      onnx.ints([2]),
    ]);
    const placed = onnx.node('Mul', [places, onnx.cast(isPoint, 'float32')]);
    const table = this.concat(
      rows.map((row) => this.weight(row)),
      0,
    );
    const labelled = onnx.node('Gather', [table, onnx.node('Add', [labels, onnx.ints([1], [])])]);
    const prompts = onnx.node('Add', [placed, labelled]);
    const count = learned.reduce((total, { shape }) => total + shape[0]!, 0);
    const own = onnx.node('Reshape', [
      this.concat(
        learned.map((weight) => this.weight(weight)),
        0,
      ),
      onnx.ints([1, count, output.channels]),
    ]);
    const batch = onnx.node('Shape', [points], { attributes: { start: 0, end: 1 } });
    const shape = this.concat([batch, onnx.ints([1, 1])], 0);
    return this.concat([onnx.node('Expand', [own, shape]), prompts], 1);
  }

  /** sin, then cos, of 2π · (2p − 1) · frequencies, for places p of 0 … 1 in the last axis. */
  #waves(places: Ref, frequencies: Weight): Ref {
    const { onnx } = this;
    const angles = onnx.node('MatMul', [
      this.affine(places, 4 * Math.PI, -2 * Math.PI),
      this.weight(frequencies),
    ]);
    return this.concat([onnx.node('Sin', [angles]), onnx.node('Cos', [angles])], -1);
  }

  sum(a: Ref, b: Ref): Ref {
    return this.onnx.node('Add', [a, b], {}, 'sum');
  }

  concat(inputs: readonly Ref[], axis: number): Ref {
    return this.onnx.node('Concat', inputs, { attributes: { axis } });
  }
}

/** The outputs of a network that is watched, for rows that products read, named by the first product's weight. */
export function watchNames({ name }: Weight): { largest: string; square: string } {
  return { largest: `largest.${name}`, square: `square.${name}` };
}

/** Cubic convolution's parameter, as PyTorch has it. */
const CUBIC = -0.75;

/** Weights of the positions −2 … 2 for a place −0.5 … 0.5 between them (Keys 1981). */
function cubicTaps(place: number): number[] {
  return [-2, -1, 0, 1, 2].map((position) => {
    const x = Math.abs(place - position);
    if (x <= 1) return (CUBIC + 2) * x ** 3 - (CUBIC + 3) * x ** 2 + 1;
    return x < 2 ? CUBIC * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
  });
}

function outer(a: readonly number[], b: readonly number[]): number[] {
  return a.flatMap((x) => b.map((y) => x * y));
}
