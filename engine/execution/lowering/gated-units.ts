import type { Network } from '../../graph/network.ts';
import {
  type Activation,
  type ChannelSlice,
  type Convolution,
  inputsOf,
  isPlain,
  type Linear,
  type Operator,
  type Product,
} from '../../graph/operators.ts';
import type { FeatureMap, Value } from '../../graph/values.ts';
import type { Emitter } from './emitter.ts';
import type { Ref } from './onnx/onnx.ts';

/**
 * A linear map, an activation and a depthwise convolution whose halves are multiplied, one of them after SiLU
 * (`networks/gated-convolution.ts`). Nothing else reads what is between them.
 */
export interface GatedUnit {
  readonly linear: Linear & { readonly input: FeatureMap };
  readonly activation: Activation;
  readonly convolution: Convolution;
  /** First channels of the two halves. */
  readonly value: number;
  readonly gate: number;
  readonly product: Product;
}

/** The gated units of a network, by each of their operators. */
export function gatedUnits({ operators, outputs }: Network): ReadonlyMap<Operator, GatedUnit> {
  const readers = new Map<number, Operator[]>();
  for (const operator of operators)
    for (const { id } of inputsOf(operator)) readers.set(id, [...(readers.get(id) ?? []), operator]);
  const given = new Set([...outputs.values()].map(({ id }) => id));
  const readersOf = ({ id }: Value) => (given.has(id) ? [] : (readers.get(id) ?? []));
  const only = ({ output }: Operator) => {
    const [reader, ...others] = readersOf(output);
    return others.length === 0 ? reader : undefined;
  };
  const units = new Map<Operator, GatedUnit>();
  for (const linear of operators) {
    if (linear.type !== 'linear' || !readsMap(linear) || linear.norm) continue;
    const activation = only(linear);
    if (activation?.type !== 'activation') continue;
    const convolution = only(activation);
    if (convolution?.type !== 'convolution' || !isDepthwise(convolution)) continue;
    const slices = readersOf(convolution.output).filter((reader) => reader.type === 'channel-slice');
    if (!areHalves(slices, convolution) || readersOf(convolution.output).length > 2) continue;
    for (const [value, gate] of [slices, [...slices].reverse()] as [ChannelSlice, ChannelSlice][]) {
      const silu = only(gate);
      const product = only(value);
      if (silu?.type !== 'activation' || silu.function !== 'silu') continue;
      if (product?.type !== 'product' || only(silu) !== product) continue;
      const unit = { linear, activation, convolution, value: value.from, gate: gate.from, product };
      for (const part of [linear, activation, convolution, ...slices, silu, product]) units.set(part, unit);
    }
  }
  return units;
}

function readsMap(linear: Linear): linear is GatedUnit['linear'] {
  return linear.input.kind === 'map';
}

function isDepthwise(convolution: Convolution): boolean {
  const { input, output, groups } = convolution;
  return groups === input.channels && groups === output.channels && isPlain(convolution);
}

function areHalves(slices: readonly ChannelSlice[], { output: { channels } }: Convolution): boolean {
  const half = channels / 2;
  const starts = slices.map(({ from }) => from).sort((a, b) => a - b);
  return starts.join() === [0, half].join() && slices.every(({ output }) => output.channels === half);
}

/**
 * A gated unit of rows, as planes. Each half of the channels has its own product and convolution, so that nothing wide is
 * cut; and value · silu(gate) is value · gate · sigmoid(gate), which ONNX Runtime computes in its convolutions' layout.
 * @param planesOf the planes that the convolution reads, of rows of as many channels
 * @param rim zeros around these planes
 */
export function gatedPlanes(
  emit: Emitter,
  { linear, activation, convolution, value, gate, product }: GatedUnit,
  rows: Ref,
  planesOf: (rows: Ref, channels: number) => Ref,
  rim: number,
): Ref {
  const { onnx } = emit;
  const { kernel, weight, bias } = convolution;
  const { channels } = product.output;
  const [x, y] = [value, gate].map((from) => {
    const part = { from, count: channels };
    const wide = emit.linear(rows, linear.weight, linear.bias, undefined, part);
    const planes = planesOf(emit.activation(wide, activation.function), channels);
    const inputs = [
      planes,
      emit.weight(weight, undefined, part),
      ...(bias ? [emit.weight(bias, undefined, part)] : []),
    ];
    const attributes = { kernel_shape: [kernel, kernel], group: channels, pads: [rim, rim, rim, rim] };
    const y = onnx.node('Conv', inputs, { attributes }, 'convolution');
    return onnx.shaped(y, [`${rows}_batch`, channels, `${rows}_height`, `${rows}_width`]);
  });
  return emit.multiply(emit.multiply(x!, y!), onnx.node('Sigmoid', [y!]));
}
