import { MICROSOFT, OnnxBuilder, type Ref } from '../graph/onnx.ts';
import type {
  ActivationName,
  Attention,
  Embedding,
  Geglu,
  GroupNorm,
  LayerNorm,
  Sinusoid,
} from '../graph/operators.ts';
import type { Weight } from '../graph/values.ts';
import type { WeightTable } from '../weights/table.ts';

/** Operators that are the same ONNX in every lowering, because they work on rows [B, N, C] or element by element. */
export class Emitter {
  readonly onnx = new OnnxBuilder();
  readonly #weights: WeightTable;

  constructor(weights: WeightTable) {
    this.#weights = weights;
  }

  weight(weight: Weight, dims = weight.shape): Ref {
    return this.onnx.weight(this.#weights.get(weight), dims);
  }

  /** x · wᵀ + b over the last axis; `part` takes some rows of w and b. */
  product(x: Ref, weight: Weight, bias?: Weight, part?: { from: number; count: number }): Ref {
    const [out, channels] = weight.shape as [number, number];
    const matrix = this.onnx.weight(this.#weights.get(weight), [out, channels], part);
    const options = { domain: MICROSOFT, attributes: { transB: 1 } };
    const y = this.onnx.node('FusedMatMul', [x, matrix], options, 'linear');
    if (!bias) return y;
    return this.onnx.node('Add', [y, this.onnx.weight(this.#weights.get(bias), [out], part)], {}, 'linear');
  }

  geglu(x: Ref, { weight, bias, output }: Geglu): Ref {
    const half = output.channels;
    const [value, gate] = [0, half].map((from) => this.product(x, weight, bias, { from, count: half }));
    const gated = this.onnx.node('Gelu', [gate!], { domain: MICROSOFT }, 'geglu');
    return this.onnx.node('Mul', [value!, gated], {}, 'geglu');
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

  sum(a: Ref, b: Ref): Ref {
    return this.onnx.node('Add', [a, b], {}, 'sum');
  }

  concat(inputs: readonly Ref[], axis: number): Ref {
    return this.onnx.node('Concat', inputs, { attributes: { axis } });
  }
}
