import { path } from '#host';
import { LIMITS } from '../../shared/limits.ts';
import { InputError, messageOf, quoted } from '../errors.ts';
import { readOptionalJson } from '../json.ts';

/** Bounds on an untrusted file, above those of published language models (17 MB, 256 000 tokens). */
const MAX_FILE_BYTES = 64 << 20;
const MAX_TOKEN_ID = 1_000_000;
const MAX_ADDED = 10_000;

/** The tokenizer of a language model. */
export interface LanguageTokenizer {
  /** The ids of a text, with the token that begins every text. @throws InputError for a text that is too long. */
  encode(text: string): number[];
  text(ids: readonly number[]): string;
}

/**
 * Reads `tokenizer.json` of Gemma's tokenizer: byte-pair encoding over the whole text, with spaces as `▁` and bytes for
 * what is not in the vocabulary. Of the file only the vocabulary, the merges and the added tokens are used; the rest
 * must be Gemma's, and is ours, so that no regular expression of a file is run.
 * @throws InputError naming the file that is missing, broken or of another kind
 */
export async function loadLanguageTokenizer(folder: string): Promise<LanguageTokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  const json = await readOptionalJson(file, { most: MAX_FILE_BYTES });
  if (json === undefined) throw new InputError(`${file} is missing; get the whole model.`);
  const { model, added } = languageVocabulary(json, file);
  const bos = '<bos>';
  if (!added.some(({ content }) => content === bos) && !Object.hasOwn(model.vocab, bos))
    throw new InputError(`${file} lacks the special token ${quoted(bos)}; get the tokenizer folder again.`);
  const { PreTrainedTokenizer } = await import('@huggingface/transformers');
  let tokenizer: InstanceType<typeof PreTrainedTokenizer>;
  try {
    tokenizer = new PreTrainedTokenizer(gemmaTokenizerJson(model, added), {
      bos_token: bos,
      eos_token: '<eos>',
      pad_token: '<pad>',
      unk_token: '<unk>',
    });
    tokenizer.encode('a b', { add_special_tokens: false });
  } catch (error) {
    throw new InputError(`${folder} has a tokenizer that cannot be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const first = tokenizer.convert_tokens_to_ids(bos);
  return {
    encode(text) {
      if (text.length > LIMITS.promptCharacters + MAX_INSTRUCTION)
        throw new InputError(`The prompt is longer than ${LIMITS.promptCharacters} characters; shorten it.`);
      return [first, ...tokenizer.encode(text, { add_special_tokens: false })];
    },
    text: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true }).trim(),
  };
}

/** Characters of an instruction before the prompt. */
const MAX_INSTRUCTION = 4000;

interface Vocabulary {
  vocab: Record<string, number>;
  merges: [string, string][];
}
interface AddedToken {
  content: string;
  id: number;
  special: boolean;
}

/**
 * What is used of a `tokenizer.json`.
 * @throws InputError naming the file, for what is broken or of another kind
 */
export function languageVocabulary(json: unknown, file: string): { model: Vocabulary; added: AddedToken[] } {
  const broken = (what: string) => new InputError(`${file}: ${what}; get the tokenizer folder again.`);
  const { model, normalizer, added_tokens: added = [] } = isObject(json) ? json : {};
  if (!isObject(model) || model.type !== 'BPE')
    throw broken('it is not a byte-pair tokenizer (model type BPE)');
  if (model.byte_fallback !== true || !isSpaceReplacement(normalizer))
    throw new InputError(
      `${file}: it is not Gemma's tokenizer, the only one of language models that is supported; nothing of it is run.`,
    );
  if (!isObject(model.vocab)) throw broken('its model has no vocab');
  if (!Array.isArray(model.merges)) throw broken('its model has no merges');
  const odd = Object.entries(model.vocab).find(([, id]) => !isId(id));
  if (odd) throw broken(`the token ${quoted(odd[0])} has no valid number`);
  const vocab = model.vocab as Record<string, number>;
  const pairs = model.merges.map((merge: unknown) => (typeof merge === 'string' ? merge.split(' ') : merge));
  if (!pairs.every(isPair)) throw broken('its merges are not pairs of tokens');
  if (!Array.isArray(added) || added.length > MAX_ADDED) throw broken('its added_tokens are not valid');
  const tokens = added.map((token: unknown): AddedToken => {
    const { content, id, special } = isObject(token) ? token : {};
    if (typeof content !== 'string' || content === '' || content.length > 1000 || !isId(id))
      throw broken(`the added token ${quoted(content ?? null)} has no valid number`);
    return { content, id, special: special === true };
  });
  const merges = pairs.filter((pair) => Object.hasOwn(vocab, pair.join('')));
  return { model: { vocab, merges }, added: tokens };
}

/** The `tokenizer.json` of Gemma 2 with a vocabulary. */
function gemmaTokenizerJson({ vocab, merges }: Vocabulary, added: readonly AddedToken[]): object {
  return {
    version: '1.0',
    added_tokens: added.map((token) => ({
      ...token,
      lstrip: false,
      rstrip: false,
      single_word: false,
      normalized: false,
    })),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges,
    },
  };
}

/** Gemma's normalizer. */
function isSpaceReplacement(normalizer: unknown): boolean {
  if (!isObject(normalizer)) return false;
  const { type, pattern, content } = normalizer;
  return type === 'Replace' && content === '▁' && isObject(pattern) && pattern.String === ' ';
}

function isPair(pair: unknown): pair is [string, string] {
  return Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN_ID;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
