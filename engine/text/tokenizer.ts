import { InputError, messageOf } from '../errors.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

/** Characters of a text, far above what fits a text encoder. */
const MAX_CHARACTERS = 10_000;

export interface EncodedPrompt {
  /** Exactly `maxLength` ids: bos, the text, eos, padding. */
  ids: Int32Array;
  /** Ids before the padding, bos and eos included. */
  tokenCount: number;
  /** The end of the text that did not fit, as the tokenizer writes it (lower case), or undefined. */
  truncated: string | undefined;
}

export interface Tokenizer {
  readonly maxLength: number;
  /** @throws InputError for a text of more than 10,000 characters. */
  encode(text: string): EncodedPrompt;
}

/**
 * The tokenizer of a text encoder, from a model's `tokenizer` folder (see `readTokenizerFiles`).
 * Runs on `@huggingface/transformers`, which is loaded here first; nothing is fetched from a network.
 * @throws InputError naming the file that is missing or broken.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { json, bos, eos, pad, maxLength } = await readTokenizerFiles(folder);
  const { CLIPTokenizer } = await import('@huggingface/transformers');
  const settings = { bos_token: bos, eos_token: eos, pad_token: pad, clean_up_tokenization_spaces: true };
  let tokenizer: InstanceType<typeof CLIPTokenizer>;
  try {
    tokenizer = new CLIPTokenizer(json, settings);
    tokenizer.encode('a b', { add_special_tokens: false });
  } catch (error) {
    throw new InputError(`${folder} has a tokenizer that cannot be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const idOf = (token: string): number => tokenizer.convert_tokens_to_ids(token);
  const [bosId, eosId, padId] = [idOf(bos), idOf(eos), idOf(pad)];
  const room = maxLength - 2;

  return {
    maxLength,
    encode(text) {
      if (text.length > MAX_CHARACTERS) {
        throw new InputError(`The prompt is longer than ${MAX_CHARACTERS} characters; shorten it.`);
      }
      const tokens = tokenizer.encode(text, { add_special_tokens: false });
      const kept = tokens.slice(0, room);
      const ids = new Int32Array(maxLength).fill(padId);
      ids.set([bosId, ...kept, eosId]);
      const rest = tokens.slice(room);
      return {
        ids,
        tokenCount: kept.length + 2,
        truncated: rest.length > 0 ? tokenizer.decode(rest).trim() : undefined,
      };
    },
  };
}
