import { InputError } from './errors.ts';
import { isMissing, readBytes } from './read-bytes.ts';

/** Configs are small; anything larger is not one. */
const MAX_BYTES = 1 << 20;

interface JsonOptions {
  /** Follows the sentence about a missing file. */
  hint?: string;
  /** Largest file that is read, in bytes. */
  most?: number;
}

/** Reads an untrusted JSON file of bounded size. @throws InputError if it is missing, too large or not JSON. */
export async function readJson(file: string, options: JsonOptions = {}): Promise<unknown> {
  const value = await readOptionalJson(file, options);
  if (value === undefined) throw new InputError(`${file} is missing. ${options.hint ?? ''}`.trim());
  return value;
}

/** The same, or undefined if there is no such file. */
export async function readOptionalJson(
  file: string,
  { most = MAX_BYTES }: JsonOptions = {},
): Promise<unknown> {
  const text = await readOptionalText(file, most);
  return text === undefined ? undefined : parseJson(text, file);
}

/** A text file of at most `most` bytes, or undefined if there is none. @throws InputError as `readBytes` does */
export async function readOptionalText(file: string, most: number): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readBytes(file, most));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Parses JSON as Python writes it: `Infinity`, `-Infinity` and `NaN`, for which JSON has no word, are read as null.
 * @throws InputError if it is not JSON.
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(withoutNonFinite(text));
    } catch {
      throw new InputError(`${file} is not valid JSON; get it again.`);
    }
  }
}

const NON_FINITE = /-?\bInfinity\b|\bNaN\b/g;

/** Replaces the non-finite numbers outside strings. Strings are cut out by hand: an expression recurses over them. */
function withoutNonFinite(text: string): string {
  let result = '';
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    result += text.slice(at, end).replace(NON_FINITE, 'null');
    at = quote < 0 ? end : endOfString(text, quote);
    result += text.slice(end, at);
  }
  return result;
}

/** The place after the string that begins at `quote`; the text's end if it never ends. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
