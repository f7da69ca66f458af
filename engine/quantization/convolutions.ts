import type { Network } from '../graph/network.ts';
import type { BatchNorm, Convolution, Linear } from '../graph/operators.ts';
import { floats, type Tensor } from '../graph/tensor.ts';
import type { Weight } from '../graph/values.ts';
import { readFloat32 } from '../weights/read.ts';
import type { WeightTable } from '../weights/weight-table.ts';

/** Mapping of values to bytes 0 … 255: value = (byte − zero) · scale. */
export interface Range {
  scale: number;
  zero: number;
}

/** Names of the outputs with the smallest and largest values that a convolution reads and writes; see `lowering/int8.ts`. */
export const rangeNames = (weight: string) => ({ read: `read.${weight}`, given: `given.${weight}` });

/** A convolution's weight as bytes, with a scale for each output channel and batch norm folded in. */
export interface ConvolutionBytes {
  values: Int8Array;
  scales: Float32Array;
  /** In units of the input's scale times the channel's. */
  bias: Int32Array;
  read: Range;
  given: Range;
}

/** Ranges are wider than observed by this factor, because other images have other extremes. */
const HEADROOM = 1.1;
/** Largest bias, far enough from what 32 bits hold that the products can be added. */
const MOST_BIAS = 2 ** 30;

/**
 * Quantizes the convolutions without groups for which ranges were observed. There are none for those that the planar
 * form computes differently, such as folded upsampling.
 * @param observed outputs of the network lowered with `lowerRanges`, for one or several images
 * @param most the largest int8; see `largestInt8`
 */
export async function quantizeConvolutions(
  network: Network,
  weights: WeightTable,
  observed: readonly Readonly<Record<string, Tensor>>[],
  most: number,
): Promise<Map<string, ConvolutionBytes>> {
  const quantized = new Map<string, ConvolutionBytes>();
  for (const operator of network.operators) {
    if (!isQuantizable(operator)) continue;
    const { name } = operator.weight;
    const names = rangeNames(name);
    if (!observed.every((outputs) => names.read in outputs)) continue;
    const range = (which: string) => rangeOf(observed.map((outputs) => floats(outputs, which)));
    quantized.set(
      name,
      await bytesOf(operator, weights, { read: range(names.read), given: range(names.given), most }),
    );
  }
  return quantized;
}

function isQuantizable(operator: Network['operators'][number]): operator is Convolution | Linear {
  if (operator.type === 'convolution') return operator.groups === 1;
  return operator.type === 'linear' && operator.input.kind === 'map';
}

function rangeOf(seen: readonly Float32Array[]): Range {
  const least = HEADROOM * Math.min(0, ...seen.map(([low]) => low!));
  const most = HEADROOM * Math.max(0, ...seen.map(([, high]) => high!));
  const scale = (most - least) / 255 || 1;
  return { scale, zero: Math.round(-least / scale) };
}

async function bytesOf(
  { weight, bias, norm }: Convolution | Linear,
  weights: WeightTable,
  { read, given, most }: { read: Range; given: Range; most: number },
): Promise<ConvolutionBytes> {
  const load = (one: Weight) => readFloat32(weights.get(one));
  const kernel = await load(weight);
  const out = weight.shape[0]!;
  const own = bias ? await load(bias) : new Float32Array(out);
  const { scale, offset } = norm ? await foldedNorm(norm, load) : { scale: undefined, offset: undefined };
  const each = kernel.length / out;
  const values = new Int8Array(kernel.length);
  const scales = new Float32Array(out);
  const biases = new Int32Array(out);
  for (let o = 0; o < out; o++) {
    const row = kernel.subarray(o * each, (o + 1) * each);
    const factor = scale ? scale[o]! : 1;
    const largest = Math.abs(factor) * row.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const added = own[o]! * factor + (offset ? offset[o]! : 0);
    // Of a channel whose weights are next to nothing the bias is what counts: it has to fit its integer.
    scales[o] = Math.max(largest / most, Math.abs(added) / (MOST_BIAS * read.scale)) || 1;
    for (let i = 0; i < each; i++) values[o * each + i] = Math.round((row[i]! * factor) / scales[o]!);
    biases[o] = Math.round(added / (scales[o]! * read.scale));
  }
  return { values, scales, bias: biases, read, given };
}

/** Batch norm as scale · x + offset. */
async function foldedNorm(norm: BatchNorm, load: (weight: Weight) => Promise<Float32Array>) {
  const [gain, bias, mean, variance] = await Promise.all(
    [norm.gain, norm.bias, norm.mean, norm.variance].map(load),
  );
  const scale = gain!.map((value, i) => value / Math.sqrt(variance![i]! + norm.epsilon));
  const offset = bias!.map((value, i) => value - mean![i]! * scale[i]!);
  return { scale, offset };
}
