import { fork } from 'node:child_process';
import { unlessAborted } from '../../engine/unless-aborted.ts';
import { messageOf } from '../../shared/errorMessage.ts';

/** What a part of a study gave, or in a few words why there is nothing. */
export type Outcome<Result> = { result: Result } | { reason: string };

const MOST_LETTERS = 160;

/**
 * Does a part of a study within a limit, so that one that fails or does not end loses nothing else.
 * @param milliseconds the limit; nothing is begun if it is not positive
 * @param work its signal is aborted at the limit; what it does after that is ignored
 */
export async function within<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Outcome<Result>> {
  if (milliseconds <= 0) return { reason: 'no time left' };
  const limit = new AbortController();
  const { signal } = limit;
  const timer = setTimeout(() => limit.abort(), milliseconds);
  try {
    return { result: await unlessAborted(work(signal), signal) };
  } catch (error) {
    if (signal.aborted) return { reason: `not done within ${(milliseconds / 1000).toFixed(1)} s` };
    const [line = ''] = messageOf(error).split('\n');
    // A bar would end the cell of a table.
    return { reason: line.replaceAll('|', '/').slice(0, MOST_LETTERS) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a script in a process of its own, which is killed when it has answered and when the signal is aborted: a run of a
 * network on a GPU blocks its thread, and may end its process.
 * @returns the first message that it sends; `{ error }` becomes an error
 */
export async function answerOf<Result>(script: string, args: string[], signal: AbortSignal): Promise<Result> {
  const child = fork(script, args, { execArgv: ['--import', 'tsx'], signal, killSignal: 'SIGKILL' });
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.once('message', (answer: Result | { error: string }) => {
        const failed = typeof answer === 'object' && answer !== null && 'error' in answer;
        if (failed) reject(new Error(answer.error));
        else resolve(answer as Result);
      });
      child.once('error', reject);
      child.once('exit', (code, by) => reject(new Error(`its process was ended by ${by ?? `code ${code}`}`)));
    });
  } finally {
    child.kill('SIGKILL');
  }
}
