import type { Network } from '../../graph/network.ts';
import type { Dealing } from '../../graph/operators.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { coarser } from '../../regions/mask.ts';
import { childrenName, dealtName, parentsName } from '../forms/tokens.ts';
import type { Places, TokenPlan } from './token-plan.ts';

type Feeds = Record<string, Tensor>;

/** A map of the image, and how its positions are dealt. */
type Dealt = Dealing & { readonly level: number; readonly levels?: number };

/** What a network with several levels, or with attention within parts, reads of a plan. */
export interface LevelReads {
  /** Coarser levels whose rows are made of the finest ones. */
  readonly levels: readonly number[];
  readonly dealt: readonly Dealt[];
}

/** @throws Error for levels that are not made of the finest one */
export function levelReadsOf({ operators }: Network): LevelReads {
  const levels = new Set<number>();
  const dealt = new Map<string, Dealt>();
  for (const operator of operators) {
    if (operator.type === 'pixel-unshuffle' || operator.type === 'pixel-shuffle') {
      const both = [operator.input.level, operator.output.level];
      if (Math.min(...both) !== 0) throw new Error('a level is made of another one than the finest');
      levels.add(Math.max(...both));
    } else if (operator.type === 'attention' && operator.dealing && operator.key.kind === 'tokens') {
      const { image: level = 0, levels: count } = operator.key;
      const one = { level, ...(count && { levels: count }), ...operator.dealing };
      dealt.set(dealtName(one, ''), one);
    }
  }
  return { levels: [...levels], dealt: [...dealt.values()] };
}

/** The inputs `children.*` and `parents.*`: see `lowering/channels.ts`. */
export function levelFeeds({ levels }: LevelReads, plan: TokenPlan): Feeds {
  const { width, mask, active } = plan;
  const rowOf = rowsAt(active, mask.data.length);
  const feeds: Feeds = {};
  for (const level of levels) {
    const side = 2 ** level;
    const columns = coarser(mask, side).width;
    const { computed } = plan.at({ level });
    const coarseRowOf = rowsAt(computed, columns * Math.ceil(plan.height / side));
    const children = new Int32Array(computed.length * side * side);
    const parents = new Int32Array(active.length);
    for (const [row, position] of active.entries()) {
      const [y, x] = [Math.floor(position / width), position % width];
      const parent = coarseRowOf[Math.floor(y / side) * columns + Math.floor(x / side)]!;
      const place = parent * side * side + (y % side) * side + (x % side);
      parents[row] = place;
      children[place] = rowOf[position]!;
    }
    feeds[childrenName(level)] = int32(children);
    feeds[parentsName(level)] = int32(parents);
  }
  return feeds;
}

/** The row of each position; 0 for positions that have none. */
function rowsAt(positions: Int32Array, size: number): Int32Array {
  const rows = new Int32Array(size);
  for (const [row, position] of positions.entries()) rows[position] = row;
  return rows;
}

/**
 * The inputs `dealt.*` of the form that computes a part: for each part to which tokens are dealt, `queries.p` among the
 * rows of the text and the computed positions, `keys.p` among these and the recorded ones behind them, and `order`,
 * where the result of each query is.
 * @param tokens of the text
 */
export function dealtFeeds({ dealt }: LevelReads, plan: TokenPlan, tokens: number): Feeds {
  const feeds: Feeds = {};
  for (const one of dealt) {
    const { parts } = one;
    const partOf = partsOf(plan.at(one), one, tokens);
    const queryCount = tokens + plan.at(one).computed.length;
    const order = new Int32Array(queryCount);
    let before = 0;
    for (let part = 0; part < parts; part++) {
      const keys = Int32Array.from(partOf.keys()).filter((row) => partOf[row] === part);
      const queries = keys.filter((row) => row < queryCount);
      for (const [i, row] of queries.entries()) order[row] = before + i;
      before += queries.length;
      feeds[dealtName(one, `queries.${part}`)] = int32(queries);
      feeds[dealtName(one, `keys.${part}`)] = int32(keys);
    }
    feeds[dealtName(one, 'order')] = int32(order);
  }
  return feeds;
}

/** The part of each row: of the text, of the computed positions, of the others. */
function partsOf({ computed, others }: Places, { parts, run }: Dealing, tokens: number): Uint8Array {
  const part = (token: number) => Math.floor(token / run) % parts;
  return Uint8Array.from([
    ...Array.from({ length: tokens }, (_, token) => part(token)),
    ...Array.from(computed, part),
    ...Array.from(others, part),
  ]);
}

function int32(data: Int32Array): Tensor {
  return { type: 'int32', data, dims: [data.length] };
}
