/** Bad usage or bad input: the message is one plain sentence for the user. The command line exits with 2. */
export class InputError extends Error {
  override name = 'InputError';
  /** The setting to change, if that helps: `model`, `loras`, … */
  readonly setting: string | undefined;

  constructor(message: string, { setting, ...options }: ErrorOptions & { setting?: string } = {}) {
    super(message, options);
    this.setting = setting;
  }
}

/** What a call refers to is no longer remembered: it must be given again. */
export class ForgottenError extends Error {
  override name = 'ForgottenError';
}

/** A cancelled call, by the name that the web platform gives it. */
export function abortError(): Error {
  return new DOMException('Cancelled.', 'AbortError');
}

/** True for the error of a cancelled call, in this process or reported by another. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** What can change how the text around it is shown: control characters, directions, halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A value from elsewhere (a config's field, a tensor's name) for a message: as JSON, escaped, at most 100 characters.
 */
export function quoted(value: unknown): string {
  const most = 100;
  const text = typeof value === 'string' && value.length > most ? `${value.slice(0, most)}…` : value;
  const json = JSON.stringify(text) ?? String(text);
  const short = json.length > most + 3 ? `${json.slice(0, most)}…` : json;
  return short.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
