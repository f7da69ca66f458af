import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../../shared/errorMessage.ts';
import { LIMITS } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

export interface Tokenizer {
  /** Ids in one text encoder run, including bos, eos and padding. */
  readonly maxLength: number;
  /** The id of a comma. */
  readonly comma: number;
  /** The ids of a text, without bos and eos. @throws InputError for a text of more than 10,000 characters. */
  tokens(text: string): number[];
  /** Exactly `maxLength` ids: bos, the given ones, eos, padding. */
  frame(tokens: readonly number[]): Int32Array;
  /** Decodes ids: lower case, with the tokenizer's own spacing. */
  text(tokens: readonly number[]): string;
}

/**
 * The tokenizer of a text encoder, from a model's `tokenizer` folder (see `readTokenizerFiles`).
 * @param padding the token that fills the end, where it is not the folder's own
 * @throws InputError naming the file that is missing or broken.
 */
export async function loadTokenizer(folder: string, padding?: string): Promise<Tokenizer> {
  const { json, bos, eos, pad: own, maxLength } = await readTokenizerFiles(folder);
  const pad = padding ?? own;
  const settings = { bos_token: bos, eos_token: eos, pad_token: pad, clean_up_tokenization_spaces: true };
  let library: LibraryTokenizer;
  try {
    library = new LibraryTokenizer(json, settings);
    library.encode('a b', { add_special_tokens: false });
  } catch (error) {
    throw new InputError(`${folder} has a tokenizer that cannot be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const idOf = (token: string): number => library.token_to_id(token)!;
  const [bosId, eosId, padId] = [idOf(bos), idOf(eos), idOf(pad)];
  const tokens = (text: string): number[] => {
    if (text.length > LIMITS.promptCharacters) {
      throw new InputError(`The prompt is longer than ${LIMITS.promptCharacters} characters; shorten it.`);
    }
    return library.encode(text, { add_special_tokens: false }).ids;
  };
  return {
    maxLength,
    comma: tokens(',')[0]!,
    tokens,
    frame(ids) {
      if (ids.length > maxLength - 2) throw new RangeError(`${ids.length} ids do not fit ${maxLength}.`);
      const framed = new Int32Array(maxLength).fill(padId);
      framed.set([bosId, ...ids, eosId]);
      return framed;
    },
    text: (ids) => library.decode([...ids]).trim(),
  };
}
