import type {
  ChannelMean,
  ChannelRepeat,
  ChannelSlice,
  PixelUnshuffle,
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

/** Of planes: a 1×1 convolution in groups, because reductions over a few channels are slow. */
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

export function pixelShuffle(emit: Emitter, planes: Ref): Ref {
  return emit.onnx.node('DepthToSpace', [planes], { attributes: { blocksize: 2, mode: 'CRD' } });
}

/**
 * Of planes: a 2×2 convolution with stride 2 and fixed weights. Output channel o averages the channels 4c + 2y + x from
 * o · average on; where these are of several input channels, they are whole ones.
 */
export function pixelUnshuffle(emit: Emitter, planes: Ref, { input, output }: PixelUnshuffle): Ref {
  const { onnx } = emit;
  const average = (4 * input.channels) / output.channels;
  const perGroup = Math.max(1, average / 4);
  const kernel = new Float32Array(output.channels * perGroup * 4);
  for (let o = 0; o < output.channels; o++)
    for (let i = 0; i < average; i++)
      kernel[o * perGroup * 4 + ((o * average + i) % (4 * perGroup))] = 1 / average;
  const attributes = { kernel_shape: [2, 2], strides: [2, 2], group: input.channels / perGroup };
  const weight = onnx.floats(kernel, [output.channels, perGroup, 2, 2]);
  return onnx.node('Conv', [planes, weight], { attributes }, 'pixel-unshuffle');
}

/** Of planes. */
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

/** The number of rows of [B, N, C]: [1]. */
export function rowCount(emit: Emitter, rows: Ref): Ref {
  return emit.onnx.node('Shape', [rows], { attributes: { start: 1, end: 2 } });
}

/** Of text and image as one sequence [B, N, C], the rows of one of them. */
export function imageSplit(emit: Emitter, rows: Ref, textCount: Ref, part: 'text' | 'image'): Ref {
  const { onnx } = emit;
  const bounds = part === 'text' ? [onnx.ints([0]), textCount] : [textCount, rowCount(emit, rows)];
  return onnx.node('Slice', [rows, ...bounds, onnx.ints([1])]);
}
