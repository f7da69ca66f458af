import type { LinearAttention, PositionMap, PromptTokens } from '../../graph/operators.ts';
import type { Weight } from '../../graph/values.ts';
import type { Emitter } from './emitter.ts';
import type { Ref } from './onnx/onnx.ts';

/**
 * Linear attention of planes [B, 3C, H, W] → [B, C, H, W].
 * @param complete turns the sums over the planes' positions into those over all positions, given keys and values
 */
export function linearAttention(
  emit: Emitter,
  planes: Ref,
  operator: LinearAttention,
  complete: (sums: Ref, keysValues: Ref) => Ref = (sums) => sums,
): Ref {
  const { onnx } = emit;
  const { headChannels: d, output } = operator;
  const heads = onnx.node('Reshape', [planes, onnx.ints([0, output.channels / d, 3 * d, -1])]);
  const [query, keysValues] = emit.split(heads, [d, 2 * d], 2);
  const sums = complete(keyValueSums(emit, keysValues!, operator), keysValues!);
  const seen = onnx.node('MatMul', [sums, onnx.node('Relu', [query!])], {}, 'linear-attention');
  const [weighted, total] = emit.split(seen, [d, 1], 2);
  const divisor = onnx.node('Add', [total!, onnx.floats([operator.epsilon], [])]);
  const y = onnx.node('Div', [weighted!, divisor], {}, 'linear-attention');
  const shape = onnx.node('Shape', [planes], { attributes: { start: 2, end: 4 } });
  return onnx.node('Reshape', [y, emit.concat([onnx.ints([0, output.channels]), shape], 0)]);
}

/** Keys and values [B, heads, 2d, N] → Σ v·relu(k)ᵀ over positions, and below it Σ relu(k)ᵀ: [B, heads, d + 1, d]. */
export function keyValueSums(emit: Emitter, keysValues: Ref, { headChannels: d }: LinearAttention): Ref {
  const { onnx } = emit;
  const [key, value] = emit.split(keysValues, [d, d], 2);
  const across = onnx.node('Transpose', [onnx.node('Relu', [key!])], { attributes: { perm: [0, 1, 3, 2] } });
  const sums = onnx.node('MatMul', [value!, across], {}, 'linear-attention');
  const total = onnx.node('ReduceSum', [across, onnx.ints([2])], { attributes: { keepdims: 1 } });
  return emit.concat([sums, total], 2);
}

/**
 * Bicubic interpolation of planes [B, C, H, W]: a depthwise convolution for each subpixel offset of the result, which
 * takes a tenth of the time of ONNX Runtime's cubic Resize.
 * @param pads edge padding in the format of ONNX's Pad: two positions on every side of a whole map
 */
export function enlarged(
  emit: Emitter,
  planes: Ref,
  channels: number,
  factor: number,
  pads: Ref = emit.onnx.ints([0, 0, 2, 2, 0, 0, 2, 2]),
): Ref {
  const { onnx } = emit;
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

/** `extent`: height and width of the map, a tensor of two. Rows [1, H·W, C]. */
export function positionMap(emit: Emitter, extent: Ref, { frequencies }: PositionMap): Ref {
  const { onnx } = emit;
  const shares = [0, 1].map((axis) => {
    const length = onnx.node('Gather', [extent, onnx.ints([axis], [])]);
    const centres = onnx.node('Add', [emit.range(length), onnx.floats([0.5], [])]);
    const share = onnx.node('Div', [centres, onnx.cast(length, 'float32')]);
    const shape = axis === 0 ? [-1, 1] : [1, -1];
    return onnx.node('Expand', [onnx.node('Reshape', [share, onnx.ints(shape)]), extent]);
  });
  const [y, x] = shares.map((share) => onnx.node('Reshape', [share, onnx.ints([1, -1, 1])]));
  return waves(emit, emit.concat([x!, y!], 2), frequencies);
}

export function promptTokens(emit: Emitter, points: Ref, labels: Ref, operator: PromptTokens): Ref {
  const { onnx } = emit;
  const { frame, frequencies, learned, rows, output } = operator;
  const centred = onnx.node('Add', [points, onnx.floats([0.5], [])]);
  const places = waves(emit, onnx.node('Div', [centred, onnx.floats([frame], [])]), frequencies);
  const isPoint = onnx.node('Unsqueeze', [
    onnx.node('GreaterOrEqual', [labels, onnx.ints([0], [])]),
    onnx.ints([2]),
  ]);
  const placed = onnx.node('Mul', [places, onnx.cast(isPoint, 'float32')]);
  const table = emit.concat(
    rows.map((row) => emit.weight(row)),
    0,
  );
  const labelled = onnx.node('Gather', [table, onnx.node('Add', [labels, onnx.ints([1], [])])]);
  const prompts = onnx.node('Add', [placed, labelled]);
  const count = learned.reduce((total, { shape }) => total + shape[0]!, 0);
  const own = onnx.node('Reshape', [
    emit.concat(
      learned.map((weight) => emit.weight(weight)),
      0,
    ),
    onnx.ints([1, count, output.channels]),
  ]);
  const batch = onnx.node('Shape', [points], { attributes: { start: 0, end: 1 } });
  const shape = emit.concat([batch, onnx.ints([1, 1])], 0);
  return emit.concat([onnx.node('Expand', [own, shape]), prompts], 1);
}

/** sin, then cos, of 2π · (2p − 1) · frequencies, for places p of 0 … 1 in the last axis. */
function waves(emit: Emitter, places: Ref, frequencies: Weight): Ref {
  const { onnx } = emit;
  const angles = onnx.node('MatMul', [
    emit.affine(places, 4 * Math.PI, -2 * Math.PI),
    emit.weight(frequencies),
  ]);
  return emit.concat([onnx.node('Sin', [angles]), onnx.node('Cos', [angles])], -1);
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
