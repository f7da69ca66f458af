import { Tokenizer } from '@huggingface/tokenizers';
import { path } from '#host';
import { messageOf } from '../../shared/errorMessage.ts';
import { LIMITS } from '../../shared/limits.ts';
import { InputError, quoted } from '../errors.ts';
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
  /** The token that prompts are padded with. */
  readonly pad: number;
}

/** A kind of tokenizer: how text is cut into what byte-pair merges begin with. */
interface Kind {
  /** Special tokens, by role; a text begins with `bos` if there is one. */
  readonly special: { readonly bos?: string; readonly eos: string; readonly pad: string };
  /** A `tokenizer.json` without vocabulary, merges and added tokens. */
  readonly rest: object;
  readonly model: object;
}

/** Gemma's: over the whole text, with spaces as `▁` and bytes for what is not in the vocabulary. */
const GEMMA: Kind = {
  special: { bos: '<bos>', eos: '<eos>', pad: '<pad>' },
  rest: {
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
  },
  model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
};

/** A regular expression that cuts a text into words, with up to `digits` digits together. */
const wordsWith = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const QWEN_WORDS = wordsWith('\\p{N}');
const LLAMA_WORDS = wordsWith('\\p{N}{1,3}');

/** Over the bytes of each word. */
const bytesOfWords = (words: string, special: Kind['special'], model: object): Kind => ({
  special,
  rest: {
    normalizer: words === QWEN_WORDS ? { type: 'NFC' } : null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: words }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  },
  model: { unk_token: null, fuse_unk: false, byte_fallback: false, ...model },
});

const QWEN = bytesOfWords(QWEN_WORDS, { eos: '<|im_end|>', pad: '<|endoftext|>' }, {});

/** Llama 3's: words that are tokens are not merged from their bytes; padding is the end of a text. */
const LLAMA = bytesOfWords(
  LLAMA_WORDS,
  { bos: '<|begin_of_text|>', eos: '<|end_of_text|>', pad: '<|end_of_text|>' },
  { ignore_merges: true },
);

/**
 * Reads `tokenizer.json` of Gemma's, Qwen's or Llama 3's tokenizer, which are byte-pair encodings. Only the vocabulary,
 * the merges and the added tokens of the file are used. The rest must equal one of our own definitions, which is used
 * in its place, so that no regular expression of a file is run.
 * @throws InputError naming the file that is missing, broken or of another kind
 */
export async function loadLanguageTokenizer(folder: string): Promise<LanguageTokenizer> {
  const file = path.join(folder, 'tokenizer.json');
  const json = await readOptionalJson(file, { most: MAX_FILE_BYTES });
  if (json === undefined) throw new InputError(`${file} is missing; get the whole model.`);
  const { model, added, kind } = languageVocabulary(json, file);
  const { bos, eos, pad } = kind.special;
  for (const token of bos === undefined || pad === eos ? [bos ?? eos, pad] : [bos])
    if (!added.some(({ content }) => content === token) && !Object.hasOwn(model.vocab, token))
      throw new InputError(
        `${file} lacks the special token ${quoted(token)}; get the tokenizer folder again.`,
      );
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(tokenizerJson(kind, model, added), {
      ...(bos !== undefined && { bos_token: bos }),
      eos_token: eos,
      pad_token: pad,
      unk_token: '<unk>',
    });
    tokenizer.encode('a b', { add_special_tokens: false });
  } catch (error) {
    throw new InputError(`${folder} has a tokenizer that cannot be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const idOf = (token: string) => tokenizer.token_to_id(token)!;
  const first = bos === undefined ? [] : [idOf(bos)];
  return {
    encode(text) {
      if (text.length > LIMITS.promptCharacters + MAX_INSTRUCTION)
        throw new InputError(`The prompt is longer than ${LIMITS.promptCharacters} characters; shorten it.`);
      return [...first, ...tokenizer.encode(text, { add_special_tokens: false }).ids];
    },
    text: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true }).trim(),
    pad: idOf(pad),
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
 * The part of a `tokenizer.json` that is used.
 * @throws InputError naming the file, for what is broken or of another kind
 */
export function languageVocabulary(
  json: unknown,
  file: string,
): { model: Vocabulary; added: AddedToken[]; kind: Kind } {
  const broken = (what: string) => new InputError(`${file}: ${what}; get the tokenizer folder again.`);
  const parts = isObject(json) ? json : {};
  const { model, added_tokens: added = [] } = parts;
  if (!isObject(model) || model.type !== 'BPE')
    throw broken('it is not a byte-pair tokenizer (model type BPE)');
  const kind = kindOf(parts, model);
  if (!kind)
    throw new InputError(
      `${file}: it is not Gemma's tokenizer, Qwen's or Llama 3's, the only ones of language models that are supported; nothing of it is run.`,
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
  return { model: { vocab, merges }, added: tokens, kind };
}

/** The `tokenizer.json` of a kind of tokenizer with a vocabulary. */
function tokenizerJson(
  { rest, model }: Kind,
  { vocab, merges }: Vocabulary,
  added: readonly AddedToken[],
): object {
  return {
    version: '1.0',
    added_tokens: added.map((token) => ({
      ...token,
      lstrip: false,
      rstrip: false,
      single_word: false,
      normalized: false,
    })),
    ...rest,
    model: {
      type: 'BPE',
      dropout: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      ...model,
      vocab,
      merges,
    },
  };
}

/** Which kind of tokenizer a file is, from what it does beside its vocabulary. */
function kindOf(
  { normalizer, pre_tokenizer: before }: Record<string, unknown>,
  model: Record<string, unknown>,
): Kind | undefined {
  if (model.byte_fallback === true) return isSpaceReplacement(normalizer) ? GEMMA : undefined;
  const cuts = isObject(before) && Array.isArray(before.pretokenizers) ? before.pretokenizers : [];
  const patterns = cuts.map((cut) => {
    const pattern = isObject(cut) && cut.type === 'Split' ? cut.pattern : undefined;
    return isObject(pattern) ? pattern.Regex : undefined;
  });
  if (patterns.includes(QWEN_WORDS)) return QWEN;
  return patterns.includes(LLAMA_WORDS) ? LLAMA : undefined;
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
