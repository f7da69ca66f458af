/** Bad usage or bad input: the message is one plain sentence for the user. The command line exits with 2. */
export class InputError extends Error {
  override name = 'InputError';
}

/** What a call refers to is no longer remembered: it must be given again. */
export class ForgottenError extends Error {
  override name = 'ForgottenError';
}

/** A cancelled call, by the name that the web platform gives it. */
export function abortError(): Error {
  return new DOMException('Cancelled.', 'AbortError');
}

/** True for the error of a cancelled call, in this process or told by another. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** The message of anything thrown, as one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
