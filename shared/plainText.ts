/** Text from elsewhere (file names, configs, recipes, hubs, workers) made fit to be shown. */

/**
 * What can move a cursor, start an escape sequence, or change the order in which the rest is read; and half characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const UNKNOWN = '\ufffd';

/**
 * Text on one line: without control characters, and of at most `most` characters. The middle of longer text is left
 * out, because sentences about errors quote there, and end with what to do.
 */
export function plainText(text: string, most = 1000): string {
  // What is left out need not be searched.
  return printable(
    shortened(text, 4 * most)
      .replace(/\s+/g, ' ')
      .trim(),
    most,
  );
}

/** A line as it is, its spaces included, but without control characters and of at most `most` characters. */
export function printable(line: string, most = 1000): string {
  return shortened(line, most).replace(UNPRINTABLE, UNKNOWN);
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor(most / 3);
  return `${text.slice(0, most - tail - 1)}…${text.slice(text.length - tail)}`;
}
