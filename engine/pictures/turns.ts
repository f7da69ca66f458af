import { nextTask } from '#host';

/** Pixels of a turn: a few milliseconds. */
const TURN = 1 << 20;

/** Calls `each` for one range of [0, count) after the other; in between others of this thread get a turn. */
export async function inTurns(count: number, each: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < count; from += TURN) {
    if (from > 0) await nextTask();
    each(from, Math.min(count, from + TURN));
  }
}
