import { shown } from './prompt-tags.ts';

/**
 * Words that stand for trained vectors (Gal et al. 2022, textual inversion), as one text encoder reads them.
 */
export interface TrainedWords {
  /** Words that count anywhere in a text, as in AUTOMATIC1111 and diffusers. */
  readonly bare: readonly string[];
  /** The ids that stand for a word's vectors, −1 for the first of all; or a sentence about why there are none. */
  idsOf(word: string): readonly number[] | { warning: string };
}

/** ComfyUI's form: the name of a file, with or without folder and ending. */
const EMBEDDING = /\bembedding:([^\s,:()[\]|]{1,300})/gi;

export const NO_WORDS: TrainedWords = {
  bare: [],
  idsOf: (word) => ({
    warning: `embedding:${shown(word)} in the prompt was left out: there is no such file here.`,
  }),
};

/** A stretch of a text: words, or the vectors of a trained one. */
type Stretch = { text: string } | { ids: readonly number[] };

/** Takes the trained words out of a text. Names that do not exist are left out, with a warning. */
export function stretchesOf(text: string, words: TrainedWords, warnings: Set<string>): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const { begin, end, word } of namesIn(text, words.bare)) {
    if (begin > from) stretches.push({ text: text.slice(from, begin) });
    const ids = words.idsOf(word);
    if ('warning' in ids) warnings.add(ids.warning);
    else stretches.push({ ids });
    from = end;
  }
  if (from < text.length || stretches.length === 0) stretches.push({ text: text.slice(from) });
  return stretches;
}

/** Where trained words are in a text, in order and without overlap. */
function namesIn(text: string, bare: readonly string[]) {
  const found = [...text.matchAll(EMBEDDING)].map((match) => {
    const word = match[1]!.replace(/[.;!?]+$/, '');
    return { begin: match.index, end: match.index + 'embedding:'.length + word.length, word };
  });
  const lower = lowered(text);
  for (const word of [...bare].sort((a, b) => b.length - a.length)) {
    const wanted = lowered(word);
    if (wanted === '') continue;
    for (let begin = lower.indexOf(wanted); begin >= 0; begin = lower.indexOf(wanted, begin + 1)) {
      const end = begin + wanted.length;
      const isApart = !joins(lower, begin) && !joins(lower, end);
      if (isApart && found.every((other) => end <= other.begin || begin >= other.end))
        found.push({ begin, end, word });
    }
  }
  return found.sort((a, b) => a.begin - b.begin);
}

/** In lower case, each sign in its place: some become two, as the Turkish İ. */
function lowered(text: string): string {
  return text.replace(/\p{Lu}/gu, (sign) => {
    const lower = sign.toLowerCase();
    return lower.length === sign.length ? lower : sign;
  });
}

/** Whether a place is within a word. */
function joins(text: string, at: number): boolean {
  return /[\p{L}\p{N}_-]/u.test(text[at - 1] ?? '') && /[\p{L}\p{N}_-]/u.test(text[at] ?? '');
}
