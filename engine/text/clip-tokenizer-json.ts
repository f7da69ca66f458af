/** Splits lower-cased text into contractions, runs of letters, single digits and runs of other signs (CLIP). */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Prefix of the same expression in CLIP's own code, for its special tokens, which are split off earlier here. */
const SPECIAL_WORDS = ['<|startoftext|>|<|endoftext|>|', '<\\|startoftext\\|>|<\\|endoftext\\|>|'];

/** Parts of a `tokenizer.json` (huggingface.co/docs/tokenizers). */
export interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: unknown[]; [field: string]: unknown };
  added_tokens: AddedToken[];
  [part: string]: unknown;
}

/** A token that is matched in the raw text, before any other step. */
export interface AddedToken {
  content: string;
  id: number;
  /** It takes the spaces before and after it. */
  lstrip?: boolean;
  rstrip?: boolean;
  /** Skipped when ids are decoded to text. */
  special?: boolean;
}

/**
 * The `tokenizer.json` that transformers' CLIPConverter makes of a CLIP vocabulary and its merges: byte-level
 * byte-pair encoding of NFC-normalized, lower-cased text with single spaces, words ending in `</w>`.
 */
export function clipTokenizerJson(
  vocab: Record<string, number>,
  merges: [string, string][],
  unknown: string,
  added: readonly AddedToken[],
): TokenizerJson {
  return {
    version: '1.0',
    added_tokens: added.map(({ content, id, lstrip = false, rstrip = false, special = false }) => ({
      id,
      content,
      lstrip,
      rstrip,
      special,
      single_word: false,
      normalized: false,
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

/**
 * The part of a `tokenizer.json` that differs from CLIP's, or undefined. Its regular expressions must be the known
 * ones: an untrusted file could contain some that never end.
 */
export function foreignPart(json: Readonly<Record<string, unknown>>): string | undefined {
  const { normalizer, pre_tokenizer: preTokenizer, model } = json;
  const [form, spaces, lower, ...others] = listIn(normalizer, 'normalizers');
  if (
    form?.type !== 'NFC' ||
    spaces?.type !== 'Replace' ||
    regexOf(spaces) !== '\\s+' ||
    spaces.content !== ' ' ||
    lower?.type !== 'Lowercase' ||
    others.length > 0
  )
    return 'normalizer';
  const [split, bytes, ...more] = listIn(preTokenizer, 'pretokenizers');
  const words = regexOf(split);
  const known = words === WORDS || SPECIAL_WORDS.some((special) => words === special + WORDS);
  if (!known || split?.type !== 'Split' || split.behavior !== 'Removed' || split.invert !== true)
    return 'pre_tokenizer';
  if (bytes?.type !== 'ByteLevel' || bytes.add_prefix_space === true || more.length > 0)
    return 'pre_tokenizer';
  const {
    continuing_subword_prefix: prefix,
    end_of_word_suffix: suffix,
    dropout,
    byte_fallback: fallback,
  } = model as Record<string, unknown>;
  return prefix || suffix !== '</w>' || dropout || fallback ? 'model' : undefined;
}

type Step = Readonly<Record<string, unknown>>;

/** The steps of a sequence. */
function listIn(sequence: unknown, field: string): Step[] {
  const steps = isStep(sequence) && sequence.type === 'Sequence' ? sequence[field] : undefined;
  return Array.isArray(steps) ? steps.filter(isStep) : [];
}

function regexOf(step: Step | undefined): unknown {
  return isStep(step?.pattern) ? step.pattern.Regex : undefined;
}

function isStep(value: unknown): value is Step {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
