import type { Network } from '../graph/network.ts';
import {
  type Convolution,
  inputsOf,
  type Operator,
  type PixelShuffle,
  type PixelUnshuffle,
} from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';
import type { Span } from './box.ts';

/** Operators that read other positions than the one they compute. */
export type Windowed = Convolution | PixelShuffle | PixelUnshuffle;

export function isWindowed(operator: Operator): operator is Windowed {
  return ['convolution', 'pixel-shuffle', 'pixel-unshuffle'].includes(operator.type);
}

/** Input positions that an operator reads for a span of its output. They may be outside the map. */
export function readBy(operator: Windowed, output: Span): Span {
  if (operator.type === 'pixel-unshuffle') return { from: 2 * output.from, to: 2 * output.to };
  if (operator.type === 'pixel-shuffle')
    return { from: Math.floor(output.from / 2), to: Math.ceil(output.to / 2) };
  const { kernel, stride, padding, upsample } = operator;
  const before = padding === 'same' ? Math.floor(kernel / 2) : 0;
  const from = output.from * stride - before;
  const to = (output.to - 1) * stride - before + kernel;
  return upsample ? { from: Math.floor(from / 2), to: Math.ceil(to / 2) } : { from, to };
}

/** The maps that an operator reads, and the map that it computes; undefined if its output is no map. */
export function mapsOf(operator: Operator): { inputs: FeatureMap[]; output: FeatureMap } | undefined {
  if (operator.output.kind !== 'map') return undefined;
  const inputs = inputsOf(operator).filter((value) => value.kind === 'map');
  return { inputs, output: operator.output };
}

/** The coarsest level of a network's maps. */
export function coarsestLevel(network: Network): number {
  const levels = [...network.inputs.values(), ...network.outputs.values()]
    .filter((value): value is FeatureMap => value.kind === 'map')
    .map(({ level }) => level);
  return Math.max(...levels);
}
