import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';
import { isAbort } from '../errors.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { CrewLostError, MemberLostError } from './job.ts';

/** Characters of a worker's words that are repeated. */
const WORDS = 300;

/** Why parts are given up: what their workers did wrong, or undefined if they are gone. */
export type Losses = Map<number, string | undefined>;

/**
 * Waits until all parts are done or failed, or time is up.
 * @returns the parts whose workers are lost or have stalled
 * @throws what cancels the call, at once, or the loss of all workers
 */
export async function settle(
  promises: readonly Promise<unknown>[],
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Losses> {
  const lost: Losses = new Map();
  const pending = new Set(promises.keys());
  const all = promises.map(async (promise, i) => {
    try {
      await promise;
    } catch (error) {
      if (error instanceof MemberLostError) lost.set(i, undefined);
      else if (isAbort(error) || error instanceof CrewLostError) throw error;
    } finally {
      pending.delete(i);
    }
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1000 * seconds);
  });
  try {
    await unlessAborted(Promise.race([Promise.all(all), stalled]), signal);
  } finally {
    clearTimeout(timer);
  }
  for (const i of pending) lost.set(i, undefined);
  return lost;
}

/** The errors of settled promises, beside those of workers that are lost already. */
export async function failures(
  promises: readonly Promise<unknown>[],
  lost: Losses,
): Promise<Map<number, unknown>> {
  const failed = new Map<number, unknown>();
  for (const [i, promise] of promises.entries())
    if (!lost.has(i)) await promise.catch((error: unknown) => failed.set(i, error));
  return failed;
}

/** A worker's error as part of a sentence. */
export function wordsOf(error: unknown): string {
  return plainText(messageOf(error), WORDS).replace(/\.$/, '');
}
