/** A change of a prompt's text: what stands from `from` to `to` becomes `text`, and `select` is selected after it. */
export interface Rewording {
  from: number;
  to: number;
  text: string;
  select: readonly [from: number, to: number];
}

const STEP = 0.1;
const WEIGHTS = { min: 0.1, max: 2 };
const WORD = /[\p{L}\p{N}_'-]/u;
/** `(words:1.2)` without brackets in it. */
const GROUP = /\(((?:\\.|[^()\\])*):(\d*\.?\d+)\)/g;

/**
 * Gives the selected words of a prompt, or the word at the cursor, more or less weight: `lake` becomes `(lake:1.1)`, and
 * that `(lake:1.2)` or `lake` again. Undefined where there is no word, or the weight is at its bound.
 */
export function reweighted(prompt: string, start: number, end: number, more: boolean): Rewording | undefined {
  const by = more ? STEP : -STEP;
  for (const { index, 0: group, 1: words, 2: weight } of prompt.matchAll(GROUP)) {
    if (start < index || end > index + group.length) continue;
    return rewording(index, index + group.length, words!, Number(weight), by);
  }
  let [from, to] = [start, end];
  if (from === to) {
    while (from > 0 && WORD.test(prompt[from - 1]!)) from--;
    while (to < prompt.length && WORD.test(prompt[to]!)) to++;
  }
  const words = prompt.slice(from, to);
  return words.trim() === '' ? undefined : rewording(from, to, words, 1, by);
}

function rewording(
  from: number,
  to: number,
  words: string,
  weight: number,
  by: number,
): Rewording | undefined {
  const next = Math.round(10 * Math.min(WEIGHTS.max, Math.max(WEIGHTS.min, weight + by))) / 10;
  if (next === weight) return undefined;
  const [before, after] = next === 1 ? ['', ''] : ['(', `:${next})`];
  const begin = from + before.length;
  return { from, to, text: before + words + after, select: [begin, begin + words.length] };
}
