import * as z from 'zod';
import { path } from '#host';
import { unknownWarning, unknownWords } from '../../shared/vocabulary.ts';
import { readOptionalJson } from '../json.ts';

/** Bounds on an untrusted file. */
const MAX_FILE_BYTES = 1 << 20;
const schema = z.array(z.string().max(100)).max(20_000);

/**
 * All words that a model was taught, from `words.json` of its tokenizer's folder; undefined if there is no such list,
 * as for every model that knows ordinary language.
 */
export async function readKnownWords(tokenizerFolder: string): Promise<string[] | undefined> {
  const json = await readOptionalJson(path.join(tokenizerFolder, 'words.json'), { most: MAX_FILE_BYTES });
  const words = schema.safeParse(json);
  return words.success ? words.data : undefined;
}

/** A warning about words of a prompt that the model does not know; empty if it knows all. */
export function unknownWarnings(
  words: readonly string[] | undefined,
  model: string,
  prompt: string,
): string[] {
  const unknown = words ? unknownWords(words, prompt) : [];
  return unknown.length > 0 ? [unknownWarning(model, unknown)] : [];
}
