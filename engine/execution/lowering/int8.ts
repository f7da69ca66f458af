import type { Network } from '../../graph/network.ts';
import type { Convolution, Linear } from '../../graph/operators.ts';
import { type ConvolutionBytes, type Range, rangeNames } from '../../quantization/convolutions.ts';
import type { Weights } from '../../weights/weight-table.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import { PlanarLowering } from './planar.ts';
import type { Target } from './target.ts';

/**
 * A network in planar form that also outputs the range of the input and output of each convolution that can be
 * quantized: `read.<weight>` and `given.<weight>` [2], the smallest and the largest value.
 */
export function lowerRanges(network: Network, weights: Weights, target: Target): OnnxModel {
  return new RangeLowering(weights, target).model(network);
}

/**
 * A network in planar form whose convolutions without groups are products of bytes, with a scale for the input, one for
 * each channel of the weight and one for the output. Depthwise convolutions, attention, activations and norms stay
 * float32: they take little time, or gain nothing.
 */
export function lowerInt8(
  network: Network,
  weights: Weights,
  bytes: ReadonlyMap<string, ConvolutionBytes>,
  target: Target,
): OnnxModel {
  return new Int8Lowering(weights, bytes, target).model(network);
}

type Attributes = Readonly<Record<string, number | readonly number[]>>;

class RangeLowering extends PlanarLowering {
  protected override convolved(
    x: Ref,
    operator: Convolution | Linear,
    dims: readonly number[],
    attributes: Attributes,
  ): Ref {
    const y = super.convolved(x, operator, dims, attributes);
    const { read, given } = rangeNames(operator.weight.name);
    this.#range(read, x);
    this.#range(given, y);
    return y;
  }

  #range(name: string, x: Ref): void {
    const { onnx } = this.emit;
    const ends = ['ReduceMin', 'ReduceMax'].map((type) =>
      onnx.node('Reshape', [onnx.node(type, [x], { attributes: { keepdims: 0 } }), onnx.ints([1])]),
    );
    onnx.output(name, this.emit.concat(ends, 0), 'float32', [2]);
  }
}

class Int8Lowering extends PlanarLowering {
  readonly #bytes: ReadonlyMap<string, ConvolutionBytes>;
  readonly #quantized = new Map<string, Ref>();

  constructor(weights: Weights, bytes: ReadonlyMap<string, ConvolutionBytes>, target: Target) {
    super(weights, target);
    this.#bytes = bytes;
  }

  protected override convolved(
    x: Ref,
    operator: Convolution | Linear,
    dims: readonly number[],
    attributes: Attributes,
  ): Ref {
    const quantized = this.#bytes.get(operator.weight.name);
    if (!quantized) return super.convolved(x, operator, dims, attributes);
    const { onnx } = this.emit;
    const { values, scales, bias, read, given } = quantized;
    const [readScale, readZero] = this.#scaleOf(read);
    const [givenScale, givenZero] = this.#scaleOf(given);
    const key = `${x} ${read.scale} ${read.zero}`;
    const bytes =
      this.#quantized.get(key) ?? onnx.node('QuantizeLinear', [x, readScale, readZero], {}, 'quantize');
    this.#quantized.set(key, bytes);
    const zeros = onnx.bytes(new Int8Array(scales.length), [scales.length]);
    const weight = [onnx.bytes(values, dims), onnx.floats(scales), zeros];
    const inputs = [bytes, readScale, readZero, ...weight, givenScale, givenZero, onnx.int32s(bias)];
    const y = onnx.node('QLinearConv', inputs, { attributes }, operator.type);
    return onnx.node('DequantizeLinear', [y, givenScale, givenZero], {}, 'quantize');
  }

  #scaleOf({ scale, zero }: Range): [Ref, Ref] {
    return [this.emit.onnx.floats([scale], []), this.emit.onnx.bytes(Uint8Array.of(zero), [])];
  }
}
