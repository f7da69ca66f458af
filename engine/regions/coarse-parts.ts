import type { Network } from '../graph/network.ts';
import type { LinearAttention, Operator } from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';
import { mapsOf } from './reach.ts';

/**
 * How the coarse stages of a decoder compute a rectangle from a record. Between two anchors, the narrow maps that blocks
 * add to, everything is computed again: over the rectangle and what windows read around it, which the record has.
 */
export interface CoarseParts {
  /** By id: the network's input, and the maps that are recorded. */
  readonly anchors: ReadonlyMap<number, CoarseAnchor>;
  readonly attentions: readonly LinearAttention[];
  /** By id of an operator's output: the anchor over whose window it is computed. */
  readonly wide: ReadonlyMap<number, number>;
  /** By id of a value that a window has given: the anchor that it comes from. */
  readonly kept: ReadonlyMap<number, number>;
}

export interface CoarseAnchor {
  readonly map: FeatureMap;
  /** Positions that windows read around the rectangle. */
  readonly reach: number;
  /** Keys and values of linear attention come from it: those of its recorded rows are computed too. */
  readonly attends: boolean;
  /** Whether it is recorded. The network's input is known whole. */
  readonly recorded: boolean;
}

/** Operators between anchors that work position by position. */
const ROW_BY_ROW: readonly Operator['type'][] = [
  'linear',
  'activation',
  'concat',
  'product',
  'rms-norm',
  'channel-slice',
  'channel-repeat',
  'pixel-shuffle',
];

/** The anchor that a value comes from, and whether the value reaches beyond the rectangle. */
interface Origin {
  anchor: FeatureMap;
  wide: boolean;
}

/** @returns undefined for a network with other operators, or with several windows between two anchors */
export function coarsePartsOf(network: Network): CoarseParts | undefined {
  const walk = new Walk(network);
  return network.operators.every((operator) => walk.pass(operator)) ? walk.parts() : undefined;
}

class Walk {
  readonly #inputs: ReadonlySet<number>;
  /** Values that anything but a sum reads. */
  readonly #read = new Set<number>();
  /** Sums, and what they read. */
  readonly #summed = new Set<number>();
  readonly #origins = new Map<number, Origin>();
  readonly #reach = new Map<number, number>();
  readonly #maps = new Map<number, FeatureMap>();
  readonly #attending = new Set<number>();
  /** Anchors whose values are added to others: they cannot be computed twice. */
  readonly #added = new Set<number>();
  readonly #attentions: LinearAttention[] = [];
  readonly #wide = new Map<number, number>();
  readonly #kept = new Map<number, number>();

  constructor({ inputs, operators }: Network) {
    this.#inputs = new Set([...inputs.values()].map(({ id }) => id));
    for (const operator of operators) {
      const ids = mapsOf(operator)?.inputs.map(({ id }) => id) ?? [];
      if (operator.type !== 'sum') for (const id of ids) this.#read.add(id);
      else for (const id of [...ids, operator.output.id]) this.#summed.add(id);
    }
  }

  /** Whether the operator is one that is known here. */
  pass(operator: Operator): boolean {
    const maps = mapsOf(operator);
    if (!maps) return false;
    const { inputs, output } = maps;
    const isSum = operator.type === 'sum';
    const origins = inputs.map((input) => (isSum ? this.#origins.get(input.id) : this.#originOf(input)));
    if (isSum) {
      for (const origin of origins) if (origin?.wide) this.#added.add(origin.anchor.id);
      return true;
    }
    const [first] = origins;
    const isOne = origins.every((origin) => origin?.anchor === first?.anchor);
    if (operator.type === 'linear-attention') {
      if (!first) return false;
      this.#attending.add(first.anchor.id);
      this.#attentions.push(operator);
      return true;
    }
    if (operator.type === 'convolution' && operator.kernel > 1) {
      const { stride, padding, kernel, norm, shift } = operator;
      if (!first?.wide || stride !== 1 || padding !== 'same' || norm || shift) return false;
      const { id } = first.anchor;
      this.#reach.set(id, Math.max(this.#reach.get(id) ?? 0, Math.floor(kernel / 2)));
      this.#wide.set(output.id, id);
      this.#origins.set(output.id, { anchor: first.anchor, wide: false });
      return true;
    }
    if (operator.type !== 'convolution' && !ROW_BY_ROW.includes(operator.type)) return false;
    if (!first) return true;
    const wide = isOne && origins.every((origin) => origin?.wide);
    if (isOne) (wide ? this.#wide : this.#kept).set(output.id, first.anchor.id);
    if (isOne) this.#origins.set(output.id, { anchor: first.anchor, wide });
    return true;
  }

  #originOf(value: FeatureMap): Origin | undefined {
    const isAnchor = this.#inputs.has(value.id) || (this.#summed.has(value.id) && this.#read.has(value.id));
    if (!isAnchor) return this.#origins.get(value.id);
    this.#maps.set(value.id, value);
    return { anchor: value, wide: true };
  }

  parts(): CoarseParts | undefined {
    if ([...this.#attending].some((id) => this.#added.has(id) || this.#inputs.has(id))) return undefined;
    const anchors = new Map<number, CoarseAnchor>();
    for (const [id, map] of this.#maps)
      anchors.set(id, {
        map,
        reach: this.#reach.get(id) ?? 0,
        attends: this.#attending.has(id),
        recorded: !this.#inputs.has(id),
      });
    return { anchors, attentions: this.#attentions, wide: this.#wide, kept: this.#kept };
  }
}
