/** Names made of prompts. */

/** The prompt as the start of a file name: lower case, words joined by hyphens, at most `max` characters. */
export function slug(prompt: string, max = 48): string {
  const words = prompt
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  let name = '';
  for (const word of words) {
    const longer = name ? `${name}-${word}` : word;
    if (longer.length > max) break;
    name = longer;
  }
  return name || [...(words[0] ?? 'picture')].slice(0, max).join('');
}

/** `prompt-seed.png`, then `prompt-seed-2.png` and so on. */
export function* pictureNames(prompt: string, seed: number): Generator<string> {
  yield* numberedNames(`${slug(prompt)}-${seed}`);
}

/** `stem.png`, then `stem-2.png` and so on. */
export function* numberedNames(stem: string): Generator<string> {
  yield `${stem}.png`;
  for (let n = 2; ; n++) yield `${stem}-${n}.png`;
}

/** The text on one line, cut to `length` characters. */
export function shorten(text: string, length: number): string {
  const characters = [...text.replace(/\s+/g, ' ')];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** For `lake` and “a red house”: `lake.red-house.png`, then `lake.red-house-2.png` and so on. */
export function* derivedNames(stem: string, words: string): Generator<string> {
  yield* numberedNames(`${stem}.${slug(words.replace(/^(an?|the) /i, ''))}`);
}
