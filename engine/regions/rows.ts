/** Copies between planes and rows, and between a whole level and some of its rows. */

type Numbers = Float32Array | Int8Array | Int16Array;

/** Planes [B, C, positions] → the rows at `at` [B, at.length, C]. */
export function toRows(planes: Float32Array, batch: number, channels: number, at: Int32Array): Float32Array {
  const positions = planes.length / (batch * channels);
  const rows = new Float32Array(batch * at.length * channels);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++) {
      const plane = (b * channels + c) * positions;
      for (let row = 0; row < at.length; row++)
        rows[(b * at.length + row) * channels + c] = planes[plane + at[row]!]!;
    }
  return rows;
}

/** Writes rows [B, at.length, C] over the positions `at` of planes [B, C, positions]. */
export function overPlanes(
  planes: Float32Array,
  rows: Float32Array,
  batch: number,
  channels: number,
  at: Int32Array,
): void {
  const positions = planes.length / (batch * channels);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++) {
      const plane = (b * channels + c) * positions;
      for (let row = 0; row < at.length; row++)
        planes[plane + at[row]!] = rows[(b * at.length + row) * channels + c]!;
    }
}

/**
 * Copies some rows of a whole level: [B, N, C] → [B, at.length + padding, C]. Padding rows are zero in a new array and
 * unchanged in a given one.
 */
export function takeRows<T extends Numbers>(
  all: T,
  batch: number,
  channels: number,
  at: Int32Array,
  padding = 0,
  taken: T = new (all.constructor as new (length: number) => T)(batch * (at.length + padding) * channels),
): T {
  const total = all.length / (batch * channels);
  const length = at.length + padding;
  for (let b = 0; b < batch; b++)
    forRuns(at, (row, first, count) => {
      copy(all, (b * total + first) * channels, taken, (b * length + row) * channels, count * channels);
    });
  return taken;
}

/** Writes rows [B, at.length, C] over some rows of a whole level [B, N, C]. */
export function putRows<T extends Numbers>(
  all: T,
  rows: T,
  batch: number,
  channels: number,
  at: Int32Array,
): void {
  const total = all.length / (batch * channels);
  for (let b = 0; b < batch; b++)
    forRuns(at, (row, first, count) => {
      copy(rows, (b * at.length + row) * channels, all, (b * total + first) * channels, count * channels);
    });
}

/** Up to this many numbers a loop is faster than a view of them, and leaves no garbage. */
const MOST_IN_LOOP = 256;

function copy<T extends Numbers>(source: T, from: number, target: T, to: number, count: number): void {
  if (count > MOST_IN_LOOP) target.set(source.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
}

/** Calls `work` for each run of consecutive rows, so that they are copied at once. */
function forRuns(at: Int32Array, work: (row: number, first: number, count: number) => void): void {
  const runs = runsOf(at);
  for (let row = 0, i = 0; i < runs.length; i++) {
    work(row, at[row]!, runs[i]!);
    row += runs[i]!;
  }
}

/** By the list of rows: a plan's lists are the same at every step. */
const knownRuns = new WeakMap<Int32Array, Int32Array>();

/** Lengths of the runs of consecutive rows. */
function runsOf(at: Int32Array): Int32Array {
  let runs = knownRuns.get(at);
  if (!runs) {
    const lengths: number[] = [];
    for (let row = 0; row < at.length; ) {
      let count = 1;
      while (row + count < at.length && at[row + count] === at[row]! + count) count++;
      lengths.push(count);
      row += count;
    }
    runs = Int32Array.from(lengths);
    knownRuns.set(at, runs);
  }
  return runs;
}
