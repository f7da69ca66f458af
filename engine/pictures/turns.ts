import { nextTask } from '#host';

/** Pixels processed before yielding: a few milliseconds of work. */
const TURN = 1 << 20;

/** Calls `each` for consecutive ranges of [0, count) and yields to the event loop in between. */
export async function inTurns(count: number, each: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < count; from += TURN) {
    if (from > 0) await nextTask();
    each(from, Math.min(count, from + TURN));
  }
}

/** Calls `each` for consecutive bands of an image's rows, and yields in between. */
export async function rowsInTurns(
  { width, height }: { width: number; height: number },
  each: (top: number, bottom: number) => void,
): Promise<void> {
  const rows = Math.max(1, Math.floor(TURN / width));
  for (let top = 0; top < height; top += rows) {
    if (top > 0) await nextTask();
    each(top, Math.min(height, top + rows));
  }
}
