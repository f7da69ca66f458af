import { LIMITS } from '../../shared/limits.ts';
import { philox } from '../noise.ts';

/** A random whole number below `n`. */
export type Choose = (n: number) => number;

/** Reads the lines of a wildcard's file; undefined if there is none of that name. */
export type Wildcards = (name: string) => Promise<readonly string[] | undefined>;

/** Nested choices and wildcards in wildcards. */
const MAX_DEPTH = 20;
/** Choices and lines that one prompt takes: a wildcard that holds itself twice doubles at each depth. */
const MAX_TAKEN = 5000;

/** Stream of noise for choices; see `gaussianNoise`. No image has this many steps. */
const STREAM = 2 ** 32 - 1;

/** The choices of a seed: the same on every machine. */
export function chooserOf(seed: number): Choose {
  const block = new Uint32Array(4);
  let position = 0;
  return (n) => {
    philox(seed, STREAM, position++, block);
    return Math.floor((block[0]! / 2 ** 32) * n);
  };
}

/**
 * Makes the choices of a prompt, in the grammar of the Dynamic Prompts extension: `{a|b}` one of them, `{2::a|b}` with
 * weights, `{2$$a|b|c}` several joined by commas, `__name__` a line of a wildcard's file. They nest; `\{` is a brace.
 * Braces without a bar are words. A wildcard that does not exist is left out, with a warning.
 */
export async function makeChoices(
  prompt: string,
  choose: Choose,
  wildcards: Wildcards,
): Promise<{ text: string; warnings: string[] }> {
  const warnings = new Set<string>();
  const text = await chosen(prompt, 0, { choose, wildcards, warnings, taken: 0 });
  return { text, warnings: [...warnings] };
}

interface Making {
  choose: Choose;
  wildcards: Wildcards;
  warnings: Set<string>;
  taken: number;
}

async function chosen(text: string, depth: number, making: Making): Promise<string> {
  if (depth > MAX_DEPTH || making.taken++ > MAX_TAKEN) {
    making.warnings.add('Choices in the prompt go on without an end; the innermost were left out.');
    return '';
  }
  let result = '';
  for (const piece of piecesOf(text)) {
    if (result.length > LIMITS.promptCharacters) break;
    if (piece.options) {
      const taken = picked(piece.options, making.choose);
      const parts: string[] = [];
      for (const option of taken) parts.push(await chosen(option, depth + 1, making));
      result += parts.join(', ');
    } else if (piece.wildcard) {
      const lines = await making.wildcards(piece.wildcard);
      if (!lines?.length) {
        const why = lines ? 'has no lines' : 'is not here';
        making.warnings.add(`__${piece.wildcard}__ in the prompt was left out: the wildcard ${why}.`);
      } else result += await chosen(lines[making.choose(lines.length)]!, depth + 1, making);
    } else result += piece.text;
  }
  return result;
}

interface Piece {
  text: string;
  options?: string[];
  wildcard?: string;
}

const WILDCARD = /__([\w][\w ./-]{0,198}?)__/y;

/** A prompt's words, outer choices and wildcards, in order. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let words = '';
  const add = (piece: Piece) => {
    if (words) pieces.push({ text: words });
    words = '';
    pieces.push(piece);
  };
  for (let at = 0; at < text.length; ) {
    const sign = text[at]!;
    if (sign === '\\' && /[{}|]/.test(text[at + 1] ?? '')) {
      words += text[at + 1];
      at += 2;
      continue;
    }
    WILDCARD.lastIndex = at;
    const wildcard = sign === '_' ? WILDCARD.exec(text)?.[1] : undefined;
    if (wildcard !== undefined) {
      add({ text: '', wildcard });
      at = WILDCARD.lastIndex;
      continue;
    }
    const group = sign === '{' ? groupAt(text, at) : undefined;
    if (group) {
      add({ text: '', options: group.options });
      at = group.end;
      continue;
    }
    words += sign;
    at++;
  }
  if (words) pieces.push({ text: words });
  return pieces;
}

/** The options between a brace and the one that closes it, and the place behind it. */
function groupAt(text: string, begin: number): { options: string[]; end: number } | undefined {
  const options: string[] = [];
  let depth = 0;
  let from = begin + 1;
  for (let at = begin; at < text.length; at++) {
    const sign = text[at];
    if (sign === '\\') at++;
    else if (sign === '{') depth++;
    else if (sign === '|' && depth === 1) {
      options.push(text.slice(from, at));
      from = at + 1;
    } else if (sign === '}' && --depth === 0) {
      options.push(text.slice(from, at));
      return options.length > 1 ? { options, end: at + 1 } : undefined;
    }
  }
  return undefined;
}

const COUNT = /^\s*(\d{1,2})(?:-(\d{1,2}))?\$\$/;
const WEIGHT = /^\s*(\d{0,6}\.?\d{1,6})::/;

/** The options that are taken, each once. */
function picked(options: readonly string[], choose: Choose): string[] {
  const [counted, low = '1', high = low] = COUNT.exec(options[0]!) ?? [];
  const rest = [options[0]!.slice(counted?.length ?? 0), ...options.slice(1)].map((option) => {
    const [weighted, weight = '1'] = WEIGHT.exec(option) ?? [];
    return { text: option.slice(weighted?.length ?? 0).trim(), weight: Number(weight) };
  });
  const [least, most] = [Math.min(Number(low), Number(high)), Math.max(Number(low), Number(high))];
  const count = Math.min(rest.length, least + choose(most - least + 1));
  const taken: string[] = [];
  while (taken.length < count && rest.length > 0) {
    const index = weighted(rest, choose);
    taken.push(rest[index]!.text);
    rest.splice(index, 1);
  }
  return taken;
}

function weighted(options: readonly { weight: number }[], choose: Choose): number {
  const total = options.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0) || options.every(({ weight }) => weight === options[0]!.weight))
    return choose(options.length);
  let rest = (choose(2 ** 24) / 2 ** 24) * total;
  for (const [index, { weight }] of options.entries()) {
    rest -= weight;
    if (rest < 0) return index;
  }
  return options.length - 1;
}
