import type { Attention, AxisRotation, KernelAttention, Rotation } from '../../graph/operators.ts';
import type { Emitter } from './emitter.ts';
import { MICROSOFT, type Ref } from './onnx/onnx.ts';

/** Added to the scores of positions that are not seen, so that their weight is 0 after the softmax. */
const UNSEEN = -1e9;

/**
 * softmax(q·kᵀ · scale)·v by heads, of rows [B, N, C] and [B, M, C']: one fused operator where the target has it and
 * nothing but a mask is asked for beside heads.
 * @param mask int64 [B, M], see `Attention.mask`
 */
export function attention(
  emit: Emitter,
  query: Ref,
  key: Ref,
  value: Ref,
  operator: Attention,
  mask?: Ref,
): Ref {
  const { onnx } = emit;
  const { heads, keyHeads = heads, scale, cap, window, causal } = operator;
  const isUsual = keyHeads === heads && cap === undefined && window === undefined;
  if (!isUsual || (mask && causal) || !onnx.has('MultiHeadAttention', MICROSOFT))
    return composed(emit, query, key, value, operator, mask);
  const attributes = {
    num_heads: heads,
    ...(causal && { unidirectional: 1 }),
    ...(scale !== undefined && { scale: { float: scale } }),
  };
  const fused = (inputs: readonly Ref[], more = {}) =>
    onnx.node(
      'MultiHeadAttention',
      [query, key, value, ...inputs],
      { domain: MICROSOFT, attributes: { ...attributes, ...more } },
      'attention',
    );
  if (!mask) return fused([]);
  const masked = () => fused(['', onnx.cast(mask, 'int32')], { mask_filter_value: { float: UNSEEN } });
  // With a mask ONNX Runtime writes all scores down; without one it takes three quarters of the time.
  return onnx.has('If')
    ? onnx.branch(
        isAllSeen(emit, mask),
        [attendedDims(query, operator)],
        () => [fused([])],
        () => [masked()],
      )[0]!
    : masked();
}

/** Whether a mask of ones and zeros hides nothing: a bool without dimensions. */
function isAllSeen(emit: Emitter, mask: Ref): Ref {
  const { onnx } = emit;
  const least = onnx.node('ReduceMin', [mask], { attributes: { keepdims: 0 } });
  return onnx.node('Equal', [least, onnx.ints([1], [])]);
}

function attendedDims(query: Ref, { output }: Attention): (string | number)[] {
  return [`${query}_batch`, `${query}_rows`, output.channels];
}

/** Causal attention of rows that follow `past` int64 [1] others, whose keys and values stand before those of the rows. */
export function continuedAttention(
  emit: Emitter,
  [query, key, value]: readonly [query: Ref, key: Ref, value: Ref],
  operator: Attention,
  past: Ref,
  mask?: Ref,
): Ref {
  return composed(emit, query, key, value, operator, mask, past);
}

/** As `attention`, composed of ONNX's own operators. */
function composed(
  emit: Emitter,
  query: Ref,
  key: Ref,
  value: Ref,
  operator: Attention,
  mask?: Ref,
  past?: Ref,
): Ref {
  const { onnx } = emit;
  const { heads, keyHeads = heads, output, cap, causal } = operator;
  const size = output.channels / heads;
  const { scale = 1 / Math.sqrt(size) } = operator;
  const parts = (rows: Ref, count: number, perm: readonly number[]) => {
    const split = onnx.node('Reshape', [rows, onnx.ints([0, 0, count, -1])]);
    const across = onnx.node('Transpose', [split], { attributes: { perm } });
    return count === heads ? across : shared(emit, across, heads / count);
  };
  const scaled = onnx.node('Mul', [query, onnx.floats([scale], [])]);
  const q = parts(scaled, heads, [0, 2, 1, 3]);
  let scores = onnx.node('MatMul', [q, parts(key, keyHeads, [0, 2, 3, 1])], {}, 'attention');
  if (cap !== undefined) scores = emit.softClamp(scores, cap);
  if (causal) scores = onnx.node('Add', [scores, causalMask(emit, scores, operator.window, past)]);
  if (mask) scores = onnx.node('Add', [scores, paddingMask(emit, mask)]);
  const weights = onnx.node('Softmax', [scores], { attributes: { axis: -1 } }, 'attention');
  const seen = onnx.node('MatMul', [weights, parts(value, keyHeads, [0, 2, 1, 3])], {}, 'attention');
  const rows = onnx.node('Transpose', [seen], { attributes: { perm: [0, 2, 1, 3] } });
  return onnx.node('Reshape', [rows, onnx.ints([0, 0, heads * size])]);
}

/** Each head [B, heads, n, m] several times in a row. */
function shared(emit: Emitter, heads: Ref, times: number): Ref {
  const { onnx } = emit;
  const apart = onnx.node('Unsqueeze', [heads, onnx.ints([2])]);
  const repeated = onnx.node('Concat', new Array<Ref>(times).fill(apart), { attributes: { axis: 2 } });
  const shape = onnx.node('Shape', [heads], { attributes: { start: 2 } });
  const batch = onnx.node('Shape', [heads], { attributes: { end: 1 } });
  return onnx.node('Reshape', [repeated, emit.concat([batch, onnx.ints([-1]), shape], 0)]);
}

/**
 * The mask added to scores [B, heads, N, N]: zeros on and below the diagonal, the lowest number above it, and with a
 * window also from that many positions below the diagonal on. Of rows that follow `past` others [B, heads, N, past + N],
 * the diagonal ends in the last corner.
 */
function causalMask(emit: Emitter, scores: Ref, window?: number, past?: Ref): Ref {
  const { onnx } = emit;
  const side = onnx.node('Shape', [scores], { attributes: { start: -2 } });
  const lowest = onnx.node('Expand', [onnx.floats([UNSEEN]), side]);
  const moved = (diagonal: number) => {
    const from = onnx.ints([diagonal], []);
    return past === undefined ? from : onnx.node('Add', [from, onnx.node('Squeeze', [past])]);
  };
  const triangle = (diagonal: number, upper: number) =>
    onnx.has('Trilu')
      ? onnx.node('Trilu', [lowest, moved(diagonal)], { attributes: { upper } })
      : composedTriangle(emit, lowest, diagonal, upper);
  const later = triangle(1, 1);
  return window === undefined ? later : onnx.node('Add', [later, triangle(-window, 0)]);
}

/** ONNX's Trilu composed of other operators: rows and columns are counted by sums of ones. */
function composedTriangle(emit: Emitter, square: Ref, diagonal: number, upper: number): Ref {
  const { onnx } = emit;
  const ones = onnx.node('Div', [square, square]);
  const [row, column] = [0, 1].map((axis) => onnx.node('CumSum', [ones, onnx.ints([axis], [])]));
  const distance = onnx.node('Sub', [column!, row!]);
  const edge = onnx.floats([upper ? diagonal - 0.5 : diagonal + 0.5], []);
  const isInside = onnx.node('Less', upper ? [edge, distance] : [distance, edge]);
  return onnx.node('Where', [isInside, square, onnx.floats([0], [])]);
}

/** [B, M] of ones and zeros → [B, 1, 1, M] of zeros and the lowest number. */
function paddingMask(emit: Emitter, mask: Ref): Ref {
  const { onnx } = emit;
  const seen = onnx.node('Unsqueeze', [onnx.cast(mask, 'float32'), onnx.ints([1, 2])]);
  const unseen = onnx.node('Sub', [onnx.floats([1], []), seen]);
  return onnx.node('Mul', [unseen, onnx.floats([UNSEEN], [])]);
}

/**
 * Linear attention of rows [B, N, C].
 * @param sums over all positions, if these are not those of the given keys and values; see `keyValueSums`
 */
export function kernelAttention(
  emit: Emitter,
  query: Ref,
  key: Ref,
  value: Ref,
  operator: KernelAttention,
  sums = keyValueSums(emit, key, value, operator),
): Ref {
  const { onnx } = emit;
  const { heads, output, epsilon } = operator;
  const size = output.channels / heads;
  const queries = byHeads(emit, onnx.node('Relu', [query]), heads, [0, 2, 1, 3]);
  const seen = onnx.node('MatMul', [queries, sums], {}, 'linear-attention');
  const [weighted, total] = emit.split(seen, [size, 1], 3);
  const divisor = onnx.node('Add', [total!, onnx.floats([epsilon], [])]);
  const mean = onnx.node('Div', [weighted!, divisor], {}, 'linear-attention');
  const rows = onnx.node('Transpose', [mean], { attributes: { perm: [0, 2, 1, 3] } });
  return onnx.node('Reshape', [rows, onnx.ints([0, 0, output.channels])]);
}

/**
 * Σ relu(k)ᵀ·v over rows, and beside it Σ relu(k)ᵀ: [B, heads, d, d + 1].
 * @param signs [1, N, 1]: a factor of each row
 */
export function keyValueSums(
  emit: Emitter,
  key: Ref,
  value: Ref,
  { heads }: KernelAttention,
  signs?: Ref,
): Ref {
  const { onnx } = emit;
  const positive = onnx.node('Relu', [key]);
  const signed = signs ? onnx.node('Mul', [positive, signs]) : positive;
  const keys = byHeads(emit, signed, heads, [0, 2, 3, 1]);
  const values = byHeads(emit, value, heads, [0, 2, 1, 3]);
  const sums = onnx.node('MatMul', [keys, values], {}, 'linear-attention');
  const total = onnx.node('ReduceSum', [keys, onnx.ints([3])], { attributes: { keepdims: 1 } });
  return emit.concat([sums, total], 3);
}

function byHeads(emit: Emitter, rows: Ref, heads: number, perm: readonly number[]): Ref {
  const { onnx } = emit;
  const split = onnx.node('Reshape', [rows, onnx.ints([0, 0, heads, -1])]);
  return onnx.node('Transpose', [split], { attributes: { perm } });
}

/**
 * Sines and cosines of n · frequencies for row n of rows [B, N, C]: [1, N, 1, d/2].
 * @param past int64 [1]: how many rows are before these
 */
export function rowAngles(emit: Emitter, rows: Ref, frequencies: readonly number[], past?: Ref): Angles {
  const { onnx } = emit;
  const count = onnx.node('Shape', [rows], { attributes: { start: 1, end: 2 } });
  const counted = emit.range(onnx.node('Squeeze', [count]));
  const places = past === undefined ? counted : onnx.node('Add', [counted, onnx.cast(past, 'float32')]);
  const column = onnx.node('Reshape', [places, onnx.ints([1, -1, 1, 1])]);
  const angles = onnx.node('Mul', [column, onnx.floats(frequencies, [1, 1, 1, frequencies.length])]);
  return { sin: onnx.node('Sin', [angles]), cos: onnx.node('Cos', [angles]) };
}

/** Rotates rows [B, N, C] by angles in each head; see `rowAngles`. */
export function rotation(
  emit: Emitter,
  rows: Ref,
  { sin, cos }: Angles,
  { heads, frequencies, input, interleaved }: Rotation,
): Ref {
  const { onnx } = emit;
  const half = frequencies.length;
  if (interleaved) return turnedPairs(emit, rows, { sin, cos }, { heads, half, input });
  const split = onnx.node('Reshape', [rows, onnx.ints([0, 0, heads, -1])]);
  const parts = emit.split(split, [half, half], 3);
  const whole = emit.concat(turned(emit, parts as [Ref, Ref], sin, cos), 3);
  return onnx.node('Reshape', [whole, onnx.ints([0, 0, input.channels])]);
}

/** The coordinates of points in the plane, turned by angles. */
function turned(emit: Emitter, [x, y]: readonly [Ref, Ref], sin: Ref, cos: Ref): [Ref, Ref] {
  const { onnx } = emit;
  const of = (a: Ref, b: Ref, type: 'Add' | 'Sub') =>
    onnx.node(type, [onnx.node('Mul', [a, cos]), onnx.node('Mul', [b, sin])], {}, 'rotation');
  return [of(x, y, 'Sub'), of(y, x, 'Add')];
}

/** Sines and cosines of the angles by which text and image are turned, [rows, d/2]. */
export interface Angles {
  readonly sin: Ref;
  readonly cos: Ref;
}

/**
 * @param places [N, 4] of the image's rows: time, y, x, 0
 * @param textCount [1]: the number of tokens before them
 */
export function axisAngles(
  emit: Emitter,
  places: Ref,
  textCount: Ref,
  { frequencies }: AxisRotation,
): Angles {
  const { onnx } = emit;
  const token = emit.range(onnx.node('Squeeze', [textCount]));
  const column = onnx.node('Reshape', [token, onnx.ints([-1, 1])]);
  const text = onnx.node('Pad', [column, onnx.ints([0, 3, 0, 0])]);
  const matrix = onnx.floats(frequencies.flat(), [frequencies.length, frequencies[0]!.length]);
  const angles = onnx.node('MatMul', [emit.concat([text, places], 0), matrix], {}, 'angles');
  return { sin: onnx.node('Sin', [angles]), cos: onnx.node('Cos', [angles]) };
}

/** Rotates neighbouring channels of rows [B, N, C] by angles, in each head. */
export function axisRotation(emit: Emitter, rows: Ref, { sin, cos }: Angles, operator: AxisRotation): Ref {
  const { onnx } = emit;
  const { heads, frequencies, input } = operator;
  if (onnx.has('RotaryEmbedding', MICROSOFT)) {
    const attributes = { interleaved: 1, num_heads: heads };
    const inputs = [rows, onnx.ints([0]), cos, sin];
    return onnx.node('RotaryEmbedding', inputs, { domain: MICROSOFT, attributes }, 'rotation');
  }
  return turnedPairs(emit, rows, { sin, cos }, { heads, half: frequencies[0]!.length, input });
}

/** Rotates neighbouring channels of rows [B, N, C], `half` pairs in each head. */
function turnedPairs(
  emit: Emitter,
  rows: Ref,
  { sin, cos }: Angles,
  { heads, half, input }: Pick<AxisRotation, 'heads' | 'input'> & { half: number },
): Ref {
  const { onnx } = emit;
  const pairs = onnx.node('Reshape', [rows, onnx.ints([0, 0, heads, half, 2])]);
  const points = emit.split(pairs, [1, 1], 4);
  const [s, c] = [sin, cos].map((table) => onnx.node('Reshape', [table, onnx.ints([1, -1, 1, half, 1])]));
  const whole = emit.concat(turned(emit, points as [Ref, Ref], s!, c!), 4);
  return onnx.node('Reshape', [whole, onnx.ints([0, 0, input.channels])]);
}

/** Places of all positions of a map of some height and width, [2]: [N, 4] for `axisAngles`. */
export function gridPlaces(emit: Emitter, extent: Ref): Ref {
  const { onnx } = emit;
  const [height, width] = emit.split(extent, [1, 1], 0);
  const range = onnx.node('Range', [
    onnx.ints([0], []),
    onnx.node('Squeeze', [onnx.node('Mul', [height!, width!])]),
    onnx.ints([1], []),
  ]);
  const y = onnx.node('Div', [range, width!]);
  const x = onnx.node('Sub', [range, onnx.node('Mul', [y, width!])]);
  const columns = [y, x].map((values) =>
    onnx.node('Reshape', [onnx.cast(values, 'float32'), onnx.ints([-1, 1])]),
  );
  return onnx.node('Pad', [emit.concat(columns, 1), onnx.ints([0, 1, 0, 1])]);
}
