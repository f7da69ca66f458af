/** Which words of a prompt a model with a small vocabulary does not know. */
import { modelTitle } from './modelTitle.ts';

/** A weight as in `(house:1.3)` is no word. */
const WEIGHT = /:\s*[+-]?(\d+\.?\d*|\.\d+)\s*(?=\))/g;
/** Names of files in a prompt are no words: `<lora:ink:0.8>`, `embedding:moody`, `__colour__`. */
const FILE_NAME =
  /<(?:lora|lyco|lycoris|hypernet):[^<>]{1,400}>|\bembedding:[^\s,:()[\]|]{1,300}|__\w[\w ./-]{0,198}?__/gi;
/** Starts a new chunk of a prompt. */
const BREAK = /\bBREAK\b/g;
/** Letters with their accents, apostrophes within a word; a symbol such as an emoji is a word of its own. */
const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*|\p{Extended_Pictographic}/gu;

/**
 * The words of a prompt that are not among `words`, as they are written, each once, in reading order. Names of several
 * capitalized words stay together.
 * @param words in lower case
 */
export function unknownWords(words: readonly string[], prompt: string): string[] {
  const known = new Set(words);
  const text = wordsOnly(prompt);
  const unknown: { text: string; end: number }[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (known.has(word.toLowerCase())) continue;
    const last = unknown.at(-1);
    const follows = last?.end === index - 1 && text[last.end] === ' ';
    const end = index + word.length;
    if (last && follows && isCapitalized(last.text) && isCapitalized(word)) {
      last.text += ` ${word}`;
      last.end = end;
    } else unknown.push({ text: word, end });
  }
  const seen = new Set<string>();
  return unknown
    .map(({ text }) => text)
    .filter((word) => !seen.has(word.toLowerCase()) && seen.add(word.toLowerCase()));
}

/** The warning about words that a model does not know; pages that name them in another way leave it out. */
export function unknownWarning(model: string, unknown: readonly string[]): string {
  return `${modelTitle(model)} does not know: ${unknown.join(', ')}.`;
}

/** Whether a prompt has no word at all that could be known, as `!!!`. */
export function hasNoWords(prompt: string): boolean {
  return wordsOnly(prompt).search(WORD) < 0;
}

/** A prompt without what is no word in it; a mark where a file was named, so that its neighbours stay apart. */
function wordsOnly(prompt: string): string {
  return prompt.replace(FILE_NAME, ', ').replace(WEIGHT, '').replace(BREAK, ' ');
}

function isCapitalized(word: string): boolean {
  return /^\p{Lu}/u.test(word);
}
