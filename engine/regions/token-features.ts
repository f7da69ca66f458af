import type { Network } from '../graph/network.ts';
import type { Attention, Convolution, KernelAttention, Operator } from '../graph/operators.ts';
import type { FeatureMap, Value } from '../graph/values.ts';
import { attendedOf, isSelfAttention } from './features.ts';

/**
 * What passes over a part of a transformer's positions read of an earlier pass. Wide values, such as keys, values and
 * the inside of feed-forward parts, are not kept: they are computed again from the narrow rows that they come from,
 * their anchors.
 */
export interface TokenFeatures {
  readonly attentions: readonly AttentionFeature[];
  readonly windows: readonly WindowFeature[];
  readonly attended: readonly JointFeature[];
}

/** Rows that are recorded for every position of a map, by name. */
export interface RowsFeature {
  readonly name: string;
  readonly channels: number;
  readonly level: number;
  /** See `FeatureMap.levels`. */
  readonly levels?: number;
  /** How many bits a value takes where rows are not kept as float32; 8 with a scale for each row if absent. */
  readonly bits?: PackedBits;
}

/** Without guidance; with it of the first half, and of the difference of the second from it. */
interface PackedBits {
  readonly alone: number;
  readonly first: number;
  readonly difference: number;
}

/**
 * Bits of anchors. Of an attention's rows only the sums over the part are read, in which rounding averages out; of a
 * window's rows each is read beside the part.
 */
const ATTENTION_BITS: PackedBits = { alone: 3, first: 2, difference: 1 };
const WINDOW_BITS: PackedBits = { alone: 5, first: 3, difference: 2 };

/** Keys and values of softmax attention over text and image, recorded as attention reads them, of the image alone. */
export interface JointFeature {
  readonly operator: Attention;
  readonly keys: RowsFeature;
  readonly values: RowsFeature;
}

/** Sums of linear attention over all positions, and the rows that keys and values come from. */
export interface AttentionFeature {
  readonly operator: KernelAttention;
  readonly anchor: FeatureMap;
  /** Operators from the anchor to keys and values: they also compute the rows that are taken off the sums. */
  readonly chain: ReadonlySet<Operator>;
}

/** The rows that the input of a depthwise 3×3 convolution comes from. */
export interface WindowFeature {
  readonly operator: Convolution;
  readonly anchor: FeatureMap;
  /** Operators from the anchor to the convolution: they also compute the rows around the part. */
  readonly chain: ReadonlySet<Operator>;
}

/** @throws Error for an operator through which positions depend on each other in a way that is not known here */
export function tokenFeaturesOf(network: Network): TokenFeatures {
  const makers = new Map<number, Operator>();
  for (const operator of network.operators) makers.set(operator.output.id, operator);
  const attentions: AttentionFeature[] = [];
  const windows: WindowFeature[] = [];
  const attended: JointFeature[] = [];
  for (const operator of network.operators) {
    if (operator.type === 'attention' && operator.key.kind === 'tokens' && isSelfAttention(operator)) {
      const [keys, values] = attendedOf(operator);
      attended.push({ operator, keys: keys!, values: values! });
    }
    if (operator.output.kind !== 'map') continue;
    if (operator.type === 'kernel-attention') {
      const { key, value } = operator;
      attentions.push({ operator, ...chainOf([key, value], makers) });
    } else if (operator.type === 'convolution') {
      const { groups, kernel, input, stride, upsample } = operator;
      if (groups !== input.channels || kernel !== 3 || stride !== 1 || upsample)
        throw new Error(`${operator.weight.name} cannot be computed for a part of the positions`);
      windows.push({ operator, ...chainOf([input], makers) });
    } else if (operator.type === 'attention' && operator.key.kind === 'map')
      throw new Error(`${operator.path} cannot be computed for a part of the positions`);
  }
  return { attentions, windows, attended };
}

/** All that is recorded position by position. */
export function rowsFeaturesOf({ attentions, windows, attended }: TokenFeatures): RowsFeature[] {
  const anchored = [...attentions, ...windows].map(anchoredRows);
  return [...anchored, ...attended.flatMap(({ keys, values }) => [keys, values])];
}

/** The rows from which a feature's wide values are computed again. */
export function anchoredRows(feature: AttentionFeature | WindowFeature): RowsFeature {
  const { channels, level } = feature.anchor;
  const bits = feature.operator.type === 'convolution' ? WINDOW_BITS : ATTENTION_BITS;
  return { name: rowsName(feature), channels, level, bits };
}

/** Walks back through operators of one value that work row by row. */
function chainOf(
  ends: readonly FeatureMap[],
  makers: ReadonlyMap<number, Operator>,
): { anchor: FeatureMap; chain: ReadonlySet<Operator> } {
  const chain = new Set<Operator>();
  const anchors = new Set<Value>();
  for (const end of ends) {
    let value: FeatureMap = end;
    for (;;) {
      const maker = makers.get(value.id);
      if (!maker || !isRowByRow(maker) || maker.input.kind !== 'map') break;
      chain.add(maker);
      value = maker.input;
    }
    anchors.add(value);
  }
  const [anchor, ...others] = anchors;
  if (anchor?.kind !== 'map' || others.length > 0)
    throw new Error('keys and values come from different rows');
  return { anchor, chain };
}

function isRowByRow(operator: Operator): operator is Extract<Operator, { type: RowByRow }> {
  return operator.type === 'linear' || operator.type === 'rms-norm' || operator.type === 'activation';
}
type RowByRow = 'linear' | 'rms-norm' | 'activation';

/** Names of a feature's tensors: under this name when recorded, with `new.` before as an output of a pass. */
export const rowsName = ({ anchor }: { anchor: FeatureMap }) => `rows.${anchor.id}`;
export const sumsName = ({ operator: { path } }: AttentionFeature) => `sums.${path}`;
