import type { Network } from '../graph/network.ts';
import type { Operator } from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';
import { mapsOf } from './reach.ts';

/**
 * The maps at which a partial pass of a convolutional network is cut: maps with several readers, which in residual
 * networks are the narrow ones between blocks, and sums that anything but another sum reads. Between two anchors a part
 * is computed with everything that its convolutions read around it.
 */
export interface Anchors {
  /** By id, including the network's inputs. */
  readonly maps: ReadonlyMap<number, FeatureMap>;
  /** Anchors that are recorded because something reads them around the part. Inputs need no record. */
  readonly recorded: ReadonlyMap<number, FeatureMap>;
  /**
   * Operators that read their map beyond the part: those with a window, and those that feed one.
   */
  readonly wide: ReadonlySet<Operator>;
}

export function anchorsOf(network: Network): Anchors {
  const readers = new Map<number, Operator[]>();
  for (const operator of network.operators)
    for (const { id } of mapsOf(operator)?.inputs ?? [])
      readers.set(id, [...(readers.get(id) ?? []), operator]);
  const maps = new Map<number, FeatureMap>();
  const inputs = new Set(network.inputs.values());
  for (const value of inputs) if (value.kind === 'map') maps.set(value.id, value);
  for (const operator of network.operators) {
    const { output } = operator;
    if (output.kind !== 'map') continue;
    const own = readers.get(output.id) ?? [];
    const ends = operator.type === 'sum' && own.some(({ type }) => type !== 'sum');
    if (ends || (own.length > 1 && operator.type !== 'concat')) maps.set(output.id, output);
  }
  const wide = new Set<Operator>();
  const recorded = new Map<number, FeatureMap>();
  const wideValues = new Set<number>();
  for (const operator of [...network.operators].reverse()) {
    const values = mapsOf(operator);
    if (!values) continue;
    if (!hasWindow(operator) && (maps.has(values.output.id) || !wideValues.has(values.output.id))) continue;
    wide.add(operator);
    for (const { id } of values.inputs) {
      wideValues.add(id);
      const map = maps.get(id);
      if (map && !inputs.has(map)) recorded.set(id, map);
    }
  }
  return { maps, recorded, wide };
}

export function hasWindow(operator: Operator): boolean {
  return (operator.type === 'convolution' && operator.kernel > 1) || operator.type === 'enlargement';
}
