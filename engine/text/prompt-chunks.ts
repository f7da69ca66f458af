import { emphasisOf } from './emphasis.ts';
import type { Tokenizer } from './tokenizer.ts';
import { NO_WORDS, stretchesOf, type TrainedWords } from './trained-words.ts';

/** Input of one text encoder run: bos, the text, eos, padding. */
export interface PromptChunk {
  /** Below 0 for trained vectors; see `TrainedWords`. */
  ids: Int32Array;
  /** Weight of each position. */
  weights: Float32Array;
  /** Index of eos. */
  end: number;
}

interface ChunkedPrompt {
  /** At least one. */
  chunks: PromptChunk[];
  /** The end of the text that did not fit, as the tokenizer writes it (lower case), or undefined. */
  truncated: string | undefined;
  /** Sentences about trained words that were not found. */
  warnings: string[];
}

/** Chunks of a prompt: 600 tokens of 75 a chunk. Attention over the text grows with them. */
const MAX_CHUNKS = 8;

/** A full chunk is broken at its last comma if it is within this many tokens of the end. */
const COMMA_REACH = 20;

/** Starts a new chunk. */
const BREAK = /\s*\bBREAK\b\s*/;

interface WeightedToken {
  id: number;
  weight: number;
}

/**
 * Splits a prompt of any length into chunks for the text encoder, as AUTOMATIC1111 and ComfyUI do: each chunk is
 * encoded on its own, and the states are concatenated. Emphasis is read (see `emphasisOf`). The vectors of a trained
 * word stay together where they fit into one piece.
 */
export function chunkPrompt(
  tokenizer: Tokenizer,
  prompt: string,
  words: TrainedWords = NO_WORDS,
): ChunkedPrompt {
  const room = tokenizer.maxLength - 2;
  const chunks: WeightedToken[][] = [[]];
  const warnings = new Set<string>();
  const add = (ids: readonly number[], weight: number) => {
    for (const id of ids) {
      if (chunks.at(-1)!.length === room) chunks.push(afterLastComma(chunks.at(-1)!, tokenizer.comma));
      chunks.at(-1)!.push({ id, weight });
    }
  };
  for (const { text, weight } of emphasisOf(prompt)) {
    for (const [part, piece] of text.split(BREAK).entries()) {
      if (part > 0) chunks.push([]);
      for (const stretch of stretchesOf(piece, words, warnings)) {
        if ('text' in stretch) add(tokenizer.tokens(stretch.text), weight);
        else {
          const { ids } = stretch;
          if (ids.length <= room && chunks.at(-1)!.length + ids.length > room) chunks.push([]);
          add(ids, weight);
        }
      }
    }
  }
  const rest = chunks.slice(MAX_CHUNKS).flat();
  return {
    chunks: chunks.slice(0, MAX_CHUNKS).map((tokens) => frame(tokenizer, tokens)),
    truncated: rest.length > 0 ? textOf(tokenizer, rest) : undefined,
    warnings: [...warnings],
  };
}

/** Trained words have no text. */
function textOf(tokenizer: Tokenizer, tokens: readonly WeightedToken[]): string {
  return tokenizer.text(tokens.flatMap(({ id }) => (id >= 0 ? [id] : [])));
}

/** Removes what follows the last comma from a full chunk if the comma is near the end. */
function afterLastComma(chunk: WeightedToken[], comma: number): WeightedToken[] {
  const last = chunk.findLastIndex(({ id }) => id === comma);
  return last >= 0 && chunk.length - last <= COMMA_REACH ? chunk.splice(last + 1) : [];
}

function frame(tokenizer: Tokenizer, tokens: readonly WeightedToken[]): PromptChunk {
  const weights = new Float32Array(tokenizer.maxLength).fill(1);
  weights.set(
    tokens.map(({ weight }) => weight),
    1,
  );
  return { ids: tokenizer.frame(tokens.map(({ id }) => id)), weights, end: tokens.length + 1 };
}
