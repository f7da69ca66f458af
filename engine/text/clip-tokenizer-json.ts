/** Splits lower-cased text into contractions, runs of letters, single digits and runs of other signs (CLIP). */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Parts of a `tokenizer.json` (huggingface.co/docs/tokenizers). */
export interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: unknown[]; [field: string]: unknown };
  added_tokens: object[];
  [part: string]: unknown;
}

/**
 * The `tokenizer.json` that transformers' CLIPConverter makes of a CLIP vocabulary and its merges: byte-level
 * byte-pair encoding of NFC-normalized, lower-cased text with single spaces, words ending in `</w>`.
 * @param special tokens that are recognised in text as they are.
 */
export function clipTokenizerJson(
  vocab: Record<string, number>,
  merges: [string, string][],
  unknown: string,
  special: readonly string[],
): TokenizerJson {
  return {
    version: '1.0',
    added_tokens: [...new Set(special)].map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      unk_token: unknown,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges,
    },
  };
}
