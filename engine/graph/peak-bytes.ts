import { type Extent, levelsFrom, sizeAt } from './macs.ts';
import type { Network } from './network.ts';
import { inputsOf, type Operator } from './operators.ts';
import type { Value } from './values.ts';

const FLOAT_BYTES = 4;

/**
 * Peak bytes of the values of a network that runs operator by operator, in float32. A value lives from the operator that
 * computes it to the last one that reads it; inputs and outputs live to the end. `scratch`: further bytes that an operator
 * takes while it runs.
 */
export function peakValueBytes(
  network: Network,
  extent: Extent,
  scratch: (operator: Operator) => number = () => 0,
): number {
  const bytes = (value: Value): number => valueBytes(value, extent);
  const lastReader = new Map<number, number>();
  for (const [i, operator] of network.operators.entries())
    for (const input of inputsOf(operator)) lastReader.set(input.id, i);
  const kept = new Set([...network.inputs.values(), ...network.outputs.values()].map(({ id }) => id));
  const sizes = new Map<number, number>();
  let live = 0;
  let peak = 0;
  for (const value of network.inputs.values()) live += bytes(value);
  for (const [i, operator] of network.operators.entries()) {
    const { output } = operator;
    sizes.set(output.id, bytes(output));
    live += sizes.get(output.id)!;
    peak = Math.max(peak, live + scratch(operator));
    for (const { id } of inputsOf(operator)) {
      if (lastReader.get(id) !== i || kept.has(id)) continue;
      live -= sizes.get(id) ?? 0;
      sizes.delete(id);
    }
  }
  return peak;
}

/** Bytes of one matrix of an attention's scores in float32, of all heads and the whole batch; 0 for other operators. */
export function scoreBytes(operator: Operator, extent: Extent): number {
  if (operator.type !== 'attention') return 0;
  const [queries, keys] = [operator.query, operator.key].map((value) =>
    elements({ ...value, channels: 1 }, extent),
  );
  return FLOAT_BYTES * extent.batch * operator.heads * queries! * keys!;
}

/** Bytes of the largest value of a network in float32. */
export function largestValueBytes(network: Network, extent: Extent): number {
  return Math.max(...network.operators.map(({ output }) => valueBytes(output, extent)));
}

/** Bytes of a value in float32, for the whole batch. */
export function valueBytes(value: DistributiveOmit<Value, 'id'>, extent: Extent): number {
  return FLOAT_BYTES * extent.batch * elements(value, extent);
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

function elements(value: DistributiveOmit<Value, 'id'>, extent: Extent): number {
  switch (value.kind) {
    case 'map':
      return value.channels * area(extent, value.level, value.levels);
    case 'tokens': {
      const { image, levels } = value;
      const positions = image === undefined ? 0 : area(extent, image, levels);
      return value.channels * ((value.length ?? extent.tokens) + positions);
    }
    case 'vector':
      return value.channels;
    case 'ids':
      return 2 * extent.tokens;
  }
}

/** Positions of a level, or of several, one after the other. */
function area(extent: Extent, level: number, levels?: number): number {
  return levelsFrom(level, levels).reduce((sum, one) => {
    const [height, width] = sizeAt(extent, one);
    return sum + height * width;
  }, 0);
}
