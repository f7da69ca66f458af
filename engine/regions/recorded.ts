import { putRows, takeRows } from './rows.ts';
import type { Features } from './store.ts';

/**
 * Features of an earlier pass by name: rows of whole levels in store order, [B, N, C], with their scales if they are
 * bytes; moments [2B, groups], scale and offset [B, C].
 */
export class Recorded extends Map<string, RecordedRows> implements Features {
  /** How many edits one after another it has taken up since everything was computed. */
  edits = 0;

  pieces(): readonly Rows[] {
    return [...this.values()].flatMap((rows) => (isLaidOver(rows) ? [rows.base, rows.rows] : [rows]));
  }
}

/** Features in main memory. @throws Error for those that another kind of denoiser keeps elsewhere */
export function recordedOf(features: Features): Recorded {
  if (!(features instanceof Recorded)) throw new Error('the features are of another denoiser');
  return features;
}

/** @throws Error for features that do not have the name, or if nothing was recorded */
export function recordedRows(recorded: Recorded | undefined, name: string): RecordedRows {
  const rows = recorded?.get(name);
  if (!rows) throw new Error(`${name} was not recorded`);
  return rows;
}

export type Rows = Float32Array | Int8Array | Int16Array;
export type RecordedRows = Rows | LaidOver;

/**
 * Rows of a whole level, some of which a later pass has replaced. An edit changes a small part, so the features of the
 * original and of the edited image share the rest.
 */
interface LaidOver {
  readonly base: Rows;
  /** Store rows that are replaced, ascending. */
  readonly at: Int32Array;
  /** [B, at.length, C], of the base's type. */
  readonly rows: Rows;
}

/** If more than this share of the rows is replaced, the level is copied instead. */
const MOST_LAID_OVER = 0.5;

/** Copies some rows of a level, as `takeRows` does. */
export function readRows<T extends Rows>(
  from: RecordedRows,
  batch: number,
  channels: number,
  wanted: Int32Array,
  padding: number,
  into: T,
): T {
  if (!isLaidOver(from)) return takeRows(from as T, batch, channels, wanted, padding, into);
  takeRows(from.base as T, batch, channels, wanted, padding, into);
  const { left, right } = common(wanted, from.at);
  const length = wanted.length + padding;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < left.length; i++) {
      const source = (b * from.at.length + right[i]!) * channels;
      into.set(from.rows.subarray(source, source + channels), (b * length + left[i]!) * channels);
    }
  return into;
}

/** Sums of some rows of a level: [B · C]. */
export function sumRows(
  from: RecordedRows,
  batch: number,
  channels: number,
  wanted: Int32Array,
): Float64Array {
  const sums = new Float64Array(batch * channels);
  const { base } = isLaidOver(from) ? from : { base: from };
  const total = base.length / (batch * channels);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < wanted.length; i++) addRow(sums, b, base, b * total + wanted[i]!, channels, 1);
  if (!isLaidOver(from)) return sums;
  const { left, right } = common(wanted, from.at);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < left.length; i++) {
      addRow(sums, b, base, b * total + wanted[left[i]!]!, channels, -1);
      addRow(sums, b, from.rows, b * from.at.length + right[i]!, channels, 1);
    }
  return sums;
}

/** Adds a row, or subtracts it, to the sums of image `b`. */
function addRow(
  sums: Float64Array,
  b: number,
  rows: Rows,
  row: number,
  channels: number,
  sign: 1 | -1,
): void {
  const end = (row + 1) * channels;
  for (let at = row * channels, c = b * channels; at < end; at++, c++) sums[c]! += sign * rows[at]!;
}

/** A level with its rows at `stored` (ascending) replaced by `rows` [B, stored.length, C]. Shares the other rows if it can. */
export function withRows(
  before: RecordedRows,
  rows: Rows,
  batch: number,
  channels: number,
  stored: Int32Array,
): RecordedRows {
  const { base, at, rows: last } = isLaidOver(before) ? before : { base: before, at: NONE, rows: undefined };
  const all = union(at, stored);
  const total = base.length / (batch * channels);
  if (all.length > MOST_LAID_OVER * total) {
    const copy = base.slice();
    if (last) putRows(copy, last, batch, channels, at);
    putRows(copy, rows, batch, channels, stored);
    return copy;
  }
  if (!last || all === stored) return { base, at: stored, rows };
  const both = new (base.constructor as new (length: number) => Rows)(batch * all.length * channels);
  putRows(both, last, batch, channels, common(all, at).left);
  putRows(both, rows, batch, channels, common(all, stored).left);
  return { base, at: all, rows: both };
}

function isLaidOver(rows: RecordedRows): rows is LaidOver {
  return 'base' in rows;
}

const NONE = new Int32Array();

/** Remembers a function of two lists of rows: a plan's lists are the same at every step and for all features. */
function ofPairs<T>(work: (a: Int32Array, b: Int32Array) => T): (a: Int32Array, b: Int32Array) => T {
  const known = new WeakMap<Int32Array, WeakMap<Int32Array, T>>();
  return (a, b) => {
    const ofA = known.get(a) ?? new WeakMap<Int32Array, T>();
    known.set(a, ofA);
    const found = ofA.get(b) ?? work(a, b);
    ofA.set(b, found);
    return found;
  };
}

/** Indexes of the rows that two ascending lists share, in the first list and in the second. */
const common = ofPairs((a, b) => {
  const [left, right]: [number[], number[]] = [[], []];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      left.push(i);
      right.push(j);
    }
    if (a[i]! <= b[j]!) i++;
    else j++;
  }
  return { left: Int32Array.from(left), right: Int32Array.from(right) };
});

/** The union of two ascending lists; the second list itself if it contains the first. */
const union = ofPairs((a, b) => {
  const all = new Set([...a, ...b]);
  return all.size === b.length ? b : Int32Array.from(all).sort();
});
