/** The only place that writes to the terminal, which would obey escape sequences in any text. */
import { plainText, printable } from '../shared/plainText.ts';
import type { CommonOptions } from './options.ts';

/** Characters of a line. */
const MOST = 2000;

/** Prints a command's result: as one JSON object, or as text for people. */
export function print(options: CommonOptions, result: object, text: () => string): void {
  process.stdout.write(`${options.json ? jsonLine(result) : lines(text())}\n`);
}

/** A line on stderr. */
export function note(line: string): void {
  process.stderr.write(`${plainText(line, MOST)}\n`);
}

/** Prints help or an error of the command line's parser with its line breaks. */
export function writeLines(stream: 'stdout' | 'stderr', text: string): void {
  process[stream].write(lines(text));
}

/** JSON escapes only some of the characters that a terminal obeys. */
function jsonLine(result: object): string {
  return JSON.stringify(result).replace(
    /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Keeps spaces, which align columns. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line, MOST))
    .join('\n');
}
