import { createInterface } from 'node:readline/promises';
import { InputError } from '../engine/errors.ts';

/** Asks a question that is answered with yes or no. @throws InputError if no one can answer and `yes` is not given. */
export async function agreed(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new InputError('Not interactive: pass --yes to confirm.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
