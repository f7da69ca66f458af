import { CommanderError } from 'commander';
import { InputError, isAbort } from '../engine/errors.ts';
import { messageOf } from '../shared/errorMessage.ts';
import { note } from './output.ts';

const BAD_INPUT = 2;
const FAILURE = 1;
const INTERRUPTED = 130;

/** Prints an error as one sentence and returns its exit code. */
export function report(error: unknown): number {
  // Commander has printed its own errors; help and version are errors with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT;
  if (isAbort(error)) {
    note('Cancelled.');
    return INTERRUPTED;
  }
  const sentence = messageOf(error).trim();
  note(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
  return error instanceof InputError ? BAD_INPUT : FAILURE;
}
