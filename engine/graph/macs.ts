import type { AttentionMode } from '../../shared/api.ts';
import type { Network } from './network.ts';
import type { Operator } from './operators.ts';
import { keyCount } from './sampled-attention.ts';
import type { FeatureMap, Tokens, Value } from './values.ts';

/** Sizes that an operation count depends on. */
export interface Extent {
  /** Positions at level 0. */
  height: number;
  width: number;
  batch: number;
  /** Length of sequences. */
  tokens: number;
  /** Positions of reference images, which a transformer computes beside the image's own. */
  references?: number;
}

/** Kinds of operations. */
type MacKind =
  | 'convolution'
  | 'grouped-convolution'
  | 'linear'
  | 'self-attention'
  | 'cross-attention'
  | 'linear-attention'
  | 'text'
  | 'embedding';

/** Multiply–accumulates of one run. */
export interface MacCount {
  total: number;
  byKind: Partial<Record<MacKind, number>>;
  /** By level number, or `none` for operators outside the image: text, time embedding. */
  byLevel: Record<string, number>;
}

/** A level and the coarser ones after it, in all `count`. */
export function levelsFrom(level: number, count = 1): number[] {
  return Array.from({ length: count }, (_, i) => level + i);
}

/** Height and width of a level. */
export function sizeAt(extent: { height: number; width: number }, level: number): [number, number] {
  return [Math.ceil(extent.height / 2 ** level), Math.ceil(extent.width / 2 ** level)];
}

/**
 * Counts the products of a run: convolutions, linear maps and the two products of attention. Nothing element-wise (norms,
 * activations, interpolation) and no algebraic saving. `active`: positions computed at each level, or of each map, if
 * only a part is; each of them attends to all positions, or with sampled attention to the sampled ones.
 * @param convolved of each level those that convolutions of stride 1 compute, if these are others
 */
export function countMacs(
  network: Network,
  extent: Extent,
  active?: readonly number[] | ((map: FeatureMap) => number),
  attention: AttentionMode = 'full',
  convolved?: readonly number[],
): MacCount {
  const computed =
    typeof active === 'function'
      ? active
      : active &&
        ((map: FeatureMap) =>
          levelsFrom(map.level, map.levels).reduce((sum, level) => sum + active[level]!, 0));
  const count: MacCount = { total: 0, byKind: {}, byLevel: {} };
  const areaOf = (level: number, levels = 1): number => {
    const area = levelsFrom(level, levels).reduce((sum, one) => {
      const [height, width] = sizeAt(extent, one);
      return sum + height * width;
    }, 0);
    return area + (extent.references ?? 0);
  };
  const positions = (value: Value): number => {
    if (value.kind === 'map') return areaOf(value.level, value.levels);
    if (value.kind === 'vector') return 1;
    if (value.kind === 'ids') return extent.tokens;
    return (
      (value.length ?? extent.tokens) + (value.image === undefined ? 0 : areaOf(value.image, value.levels))
    );
  };
  const seen = (value: Value): number =>
    value.kind === 'map' ? keyCount(attention, ...sizeAt(extent, value.level)) : positions(value);
  const rows = (value: Value): number => {
    const map = value.kind === 'tokens' ? imageOf(value) : value;
    if (!computed || map?.kind !== 'map') return positions(value);
    return computed(map) + (value.kind === 'tokens' ? extent.tokens : 0);
  };
  for (const operator of network.operators) {
    const isSame = operator.type === 'convolution' && operator.stride === 1 && !operator.upsample;
    const own = convolved && isSame ? (value: Value) => convolved[(value as FeatureMap).level]! : rows;
    const counted = macsOf(operator, own, seen);
    if (!counted) continue;
    const macs = counted.macs * extent.batch;
    const { output } = operator;
    const map = output.kind === 'tokens' ? imageOf(output) : output;
    const level = map?.kind === 'map' ? String(map.level) : 'none';
    count.total += macs;
    count.byKind[counted.kind] = (count.byKind[counted.kind] ?? 0) + macs;
    count.byLevel[level] = (count.byLevel[level] ?? 0) + macs;
  }
  return count;
}

/** Products of one operator for one image of the batch, given the numbers of rows computed and of keys attended to. */
function macsOf(
  operator: Operator,
  rows: (value: Value) => number,
  seen: (value: Value) => number,
): { kind: MacKind; macs: number } | undefined {
  switch (operator.type) {
    case 'convolution':
    case 'linear':
    case 'geglu': {
      const products = operator.weight.shape.reduce((a, b) => a * b, 1);
      return { kind: matrixKind(operator), macs: products * rows(operator.output) };
    }
    case 'attention': {
      const { query, key, value, heads, keyHeads = heads, dealing: { parts } = { parts: 1 } } = operator;
      const products = rows(query) * seen(key) * (key.channels + value.channels);
      const macs = (products * (heads / keyHeads)) / parts;
      return { kind: key.kind === query.kind ? 'self-attention' : 'cross-attention', macs };
    }
    case 'transposed-convolution': {
      const { weight, input } = operator;
      return { kind: 'convolution', macs: weight.shape.reduce((a, b) => a * b, 1) * rows(input) };
    }
    case 'mask-product': {
      const { input, output } = operator;
      return { kind: 'linear', macs: input.channels * output.channels * rows(output) };
    }
    // Σ v·kᵀ with a row of ones below v, then its product with q.
    case 'linear-attention': {
      const { input, output, headChannels } = operator;
      return { kind: operator.type, macs: 2 * output.channels * (headChannels + 1) * rows(input) };
    }
    case 'kernel-attention': {
      const { query, key, output, heads } = operator;
      const products = output.channels * (output.channels / heads + 1);
      return { kind: 'linear-attention', macs: products * (rows(query) + rows(key)) };
    }
    default:
      return undefined;
  }
}

function matrixKind(operator: Operator): MacKind {
  if (operator.type === 'convolution') return operator.groups > 1 ? 'grouped-convolution' : 'convolution';
  const { output } = operator;
  if (output.kind === 'tokens' && output.image === undefined) return 'text';
  return output.kind === 'vector' ? 'embedding' : 'linear';
}

/** The image's part of a sequence of text and image, as a map. */
function imageOf({ id, channels, image: level, levels }: Tokens): FeatureMap | undefined {
  return level === undefined ? undefined : { kind: 'map', id, channels, level, ...(levels && { levels }) };
}
