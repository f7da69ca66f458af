import type {
  ChannelMean,
  ChannelRepeat,
  ChannelSlice,
  PixelShuffle,
  PixelUnshuffle,
  SinePositions,
  Standardization,
} from '../../graph/operators.ts';
import type { Emitter } from './emitter.ts';
import type { Ref } from './onnx/onnx.ts';

/** Channels of planes [B, C, …] (axis 1) or of rows [B, …, C] (axis −1). */
export function channelSlice(emit: Emitter, x: Ref, { from, output }: ChannelSlice, axis: 1 | -1): Ref {
  const { onnx } = emit;
  const [begin, end] = [from, from + output.channels].map((value) => onnx.ints([value]));
  return onnx.node('Slice', [x, begin!, end!, onnx.ints([axis])]);
}

/** On planes: a 1×1 convolution in groups, because reductions over a few channels are slow. */
export function channelMean(emit: Emitter, planes: Ref, { input, output }: ChannelMean): Ref {
  const { onnx } = emit;
  const each = input.channels / output.channels;
  const kernel = onnx.floats(new Float32Array(input.channels).fill(1 / each), [output.channels, each, 1, 1]);
  const attributes = { kernel_shape: [1, 1], group: output.channels };
  return onnx.node('Conv', [planes, kernel], { attributes }, 'channel-mean');
}

export function channelRepeat(emit: Emitter, x: Ref, { input, output }: ChannelRepeat, axis: 1 | -1): Ref {
  const times = output.channels / input.channels;
  const from = Array.from({ length: output.channels }, (_, channel) => Math.floor(channel / times));
  return emit.onnx.node('Gather', [x, emit.onnx.ints(from)], { attributes: { axis } });
}

/** Positions along a side of the finer level for one of the coarser. */
function factorOf({ input, output }: PixelShuffle | PixelUnshuffle): number {
  return 2 ** Math.abs(input.level - output.level);
}

/** On planes. */
export function pixelShuffle(emit: Emitter, planes: Ref, operator: PixelShuffle): Ref {
  const attributes = { blocksize: factorOf(operator), mode: 'CRD' };
  return emit.onnx.node('DepthToSpace', [planes], { attributes });
}

/**
 * On planes: an f×f convolution with stride f and fixed weights. Output channel o averages the channels f²·c + f·y + x
 * from o · average on. If an average spans several input channels, it takes all positions of each.
 */
export function pixelUnshuffle(emit: Emitter, planes: Ref, operator: PixelUnshuffle): Ref {
  const { onnx } = emit;
  const { input, output } = operator;
  const side = factorOf(operator);
  const area = side * side;
  const average = (area * input.channels) / output.channels;
  const perGroup = Math.max(1, average / area);
  const kernel = new Float32Array(output.channels * perGroup * area);
  for (let o = 0; o < output.channels; o++)
    for (let i = 0; i < average; i++)
      kernel[o * perGroup * area + ((o * average + i) % (area * perGroup))] = 1 / average;
  const attributes = { kernel_shape: [side, side], strides: [side, side], group: input.channels / perGroup };
  const weight = onnx.floats(kernel, [output.channels, perGroup, side, side]);
  return onnx.node('Conv', [planes, weight], { attributes }, 'pixel-unshuffle');
}

/** On planes. */
export function standardized(
  emit: Emitter,
  planes: Ref,
  { mean, variance, epsilon, inverse }: Standardization,
): Ref {
  const { onnx } = emit;
  const [centre, spread] = [mean, variance].map((weight) => emit.weight(weight, [...weight.shape, 1, 1]));
  const deviation = onnx.node('Sqrt', [onnx.node('Add', [spread!, onnx.floats([epsilon], [])])]);
  return inverse
    ? onnx.node('Add', [onnx.node('Mul', [planes, deviation]), centre!])
    : onnx.node('Div', [onnx.node('Sub', [planes, centre!]), deviation]);
}

/**
 * Rows [B, H·W, C] as planes [B, C, H, W]. The transposition is of four axes, as ONNX Runtime merges it with its own
 * reordering of what a convolution reads or gives.
 * @param extent height and width, int64 [2]
 */
export function planesOfRows(emit: Emitter, rows: Ref, channels: number, extent: Ref): Ref {
  const { onnx } = emit;
  const shape = emit.concat([onnx.ints([0]), extent, onnx.ints([channels])], 0);
  const map = onnx.node('Reshape', [rows, shape]);
  return onnx.node('Transpose', [map], { attributes: { perm: [0, 3, 1, 2] } });
}

/** The reverse. */
export function rowsOfPlanes(emit: Emitter, planes: Ref, channels: number): Ref {
  const { onnx } = emit;
  const map = onnx.node('Transpose', [planes], { attributes: { perm: [0, 2, 3, 1] } });
  return onnx.node('Reshape', [map, onnx.ints([0, -1, channels])]);
}

/** The number of rows of [B, N, C]: [1]. */
export function rowCount(emit: Emitter, rows: Ref): Ref {
  return emit.onnx.node('Shape', [rows], { attributes: { start: 1, end: 2 } });
}

/** The first `count` [1] of rows [B, N, C], or the others. */
export function splitRows(emit: Emitter, rows: Ref, count: Ref, part: 'first' | 'rest'): Ref {
  const { onnx } = emit;
  const bounds = part === 'first' ? [onnx.ints([0]), count] : [count, rowCount(emit, rows)];
  return onnx.node('Slice', [rows, ...bounds, onnx.ints([1])]);
}

/**
 * Rows [B, n, C] of a finer level to [B, m, f² · C] of a coarser one, as `pixelUnshuffle` of planes.
 * @param children int32 [m · f²]: the finer rows of each coarser one, in the order of y, then x
 */
export function unshuffledRows(emit: Emitter, rows: Ref, operator: PixelUnshuffle, children: Ref): Ref {
  const { onnx } = emit;
  const { input, output } = operator;
  const area = factorOf(operator) ** 2;
  if (output.channels !== area * input.channels) throw new Error('rows are not averaged');
  const all = onnx.node('Gather', [rows, children], { attributes: { axis: 1 } });
  const cells = onnx.node('Reshape', [all, onnx.ints([0, -1, area, input.channels])]);
  const across = onnx.node('Transpose', [cells], { attributes: { perm: [0, 1, 3, 2] } });
  return onnx.node('Reshape', [across, onnx.ints([0, 0, output.channels])]);
}

/**
 * The inverse: [B, m, f² · C] to [B, n, C].
 * @param parents int32 [n]: f² · the coarser row of each finer one, and its place among that one's
 */
export function shuffledRows(emit: Emitter, rows: Ref, operator: PixelShuffle, parents: Ref): Ref {
  const { onnx } = emit;
  const { channels } = operator.output;
  const cells = onnx.node('Reshape', [rows, onnx.ints([0, 0, channels, factorOf(operator) ** 2])]);
  const across = onnx.node('Transpose', [cells], { attributes: { perm: [0, 1, 3, 2] } });
  const all = onnx.node('Reshape', [across, onnx.ints([0, -1, channels])]);
  return onnx.node('Gather', [all, parents], { attributes: { axis: 1 } });
}

/** @param places [N, 4]: time, y, x and 0 of each row. Gives [1, N, C]. */
export function sinePositions(emit: Emitter, places: Ref, { origin, frequencies }: SinePositions): Ref {
  const { onnx } = emit;
  const zeros = frequencies.map(() => 0);
  const none = [...zeros, ...zeros];
  const matrix = [none, [...zeros, ...frequencies], [...frequencies, ...zeros], none];
  const offsets = onnx.floats(
    [...frequencies, ...frequencies].map((frequency) => origin * frequency),
    [2 * zeros.length],
  );
  const scaled = onnx.node('MatMul', [places, onnx.floats(matrix.flat(), [4, 2 * zeros.length])]);
  const angles = onnx.node('Add', [scaled, offsets]);
  const axes = emit.split(angles, [zeros.length, zeros.length], 1);
  const waves = axes.flatMap((axis) => [onnx.node('Sin', [axis]), onnx.node('Cos', [axis])]);
  return onnx.node('Unsqueeze', [emit.concat(waves, 1), onnx.ints([0])]);
}
