/** A stretch of a prompt and how strongly it counts. */
export interface Span {
  text: string;
  weight: number;
}

/** Factor of a pair of brackets without a number. */
const STEP = 1.1;

/** Bounds on a weight, nested or not; text states beyond them are meaningless. */
const MAX_WEIGHT = 10;

const PIECES = /\\[()[\]\\]|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|[()[\]\\:]|[^()[\]\\:]+/g;

/**
 * Reads the emphasis that the common tools know (AUTOMATIC1111's grammar): `(word)` counts 1.1 times, `(word:1.3)`
 * 1.3 times, `[word]` 1/1.1 times; brackets nest and multiply, `\(` is a literal bracket, an unclosed one reaches to the
 * end. Adjacent spans of equal weight are joined.
 */
export function emphasisOf(prompt: string): Span[] {
  const spans: Span[] = [];
  const round: number[] = [];
  const square: number[] = [];
  const multiply = (from: number, factor: number) => {
    for (const span of spans.slice(from)) span.weight *= factor;
  };
  for (const [piece, factor] of prompt.matchAll(PIECES)) {
    if (piece === '(') round.push(spans.length);
    else if (piece === '[') square.push(spans.length);
    else if (factor !== undefined && round.length > 0) multiply(round.pop()!, Number(factor));
    else if (piece === ')' && round.length > 0) multiply(round.pop()!, STEP);
    else if (piece === ']' && square.length > 0) multiply(square.pop()!, 1 / STEP);
    else spans.push({ text: piece.length === 2 && piece.startsWith('\\') ? piece[1]! : piece, weight: 1 });
  }
  for (const from of round) multiply(from, STEP);
  for (const from of square) multiply(from, 1 / STEP);
  return joined(spans);
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { text, weight } of spans) {
    const bounded = Math.min(Math.max(weight, -MAX_WEIGHT), MAX_WEIGHT);
    const last = result.at(-1);
    if (last?.weight === bounded) last.text += text;
    else result.push({ text, weight: bounded });
  }
  return result;
}
