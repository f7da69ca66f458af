import { path } from '#host';
import { InputError } from '../errors.ts';
import { readOptionalJson, readOptionalText } from '../json.ts';
import { CLIP_TOKENS } from '../networks/clip-text.ts';
import { clipTokenizerJson, type TokenizerJson } from './clip-tokenizer-json.ts';

/** Bounds on untrusted files, far above CLIP's (1 MB, 49408 tokens, 77 positions). */
const MAX_FILE_BYTES = 32 << 20;
const MAX_TOKEN_ID = 1_000_000;
const MAX_LENGTH = 1024;

interface TokenizerFiles {
  json: TokenizerJson;
  bos: string;
  eos: string;
  pad: string;
  /** Ids of an encoded text, bos, eos and padding included. */
  maxLength: number;
}

/**
 * Reads a model's `tokenizer` folder: `tokenizer.json`, or `vocab.json` and `merges.txt`, with what
 * `tokenizer_config.json` and `special_tokens_map.json` say of special tokens and length.
 * @throws InputError naming the file that is missing or broken.
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const settings = {
    ...((await readObject(path.join(folder, 'special_tokens_map.json'))) ?? {}),
    ...((await readObject(path.join(folder, 'tokenizer_config.json'))) ?? {}),
  };
  const token = (key: string, fallback: string) => contentOf(settings[key]) ?? fallback;
  const eos = token('eos_token', '<|endoftext|>');
  const bos = token('bos_token', '<|startoftext|>');
  const pad = token('pad_token', eos);
  const unknown = token('unk_token', eos);
  const { json, file } = await readVocabulary(folder, unknown, [bos, eos, pad, unknown]);
  for (const special of [bos, eos, pad]) {
    if (!known(json, special)) {
      throw new InputError(`${file} lacks the special token ${special}; get the tokenizer folder again.`);
    }
  }
  return { json, bos, eos, pad, maxLength: lengthOf(settings.model_max_length, folder) };
}

async function readVocabulary(
  folder: string,
  unknown: string,
  special: readonly string[],
): Promise<{ json: TokenizerJson; file: string }> {
  const whole = path.join(folder, 'tokenizer.json');
  const json = await readObject(whole);
  if (json) return { json: checkTokenizerJson(json, whole), file: whole };

  const file = path.join(folder, 'vocab.json');
  const vocab = await readObject(file);
  if (!vocab)
    throw new InputError(`${folder} has neither tokenizer.json nor vocab.json; get the whole model.`);
  const checked = checkVocabulary(vocab, file);
  const merges = await readMerges(path.join(folder, 'merges.txt'), checked);
  const present = special.filter((token) => Object.hasOwn(checked, token));
  return { json: clipTokenizerJson(checked, merges, unknown, present), file };
}

function checkTokenizerJson(json: Record<string, unknown>, file: string): TokenizerJson {
  const { model, added_tokens: added } = json;
  const broken = (what: string) => new InputError(`${file}: ${what}; get the tokenizer folder again.`);
  if (!isObject(model) || model.type !== 'BPE')
    throw broken('it is not a byte-pair tokenizer (model type BPE)');
  if (!isObject(model.vocab)) throw broken('its model has no vocab');
  if (!Array.isArray(model.merges)) throw broken('its model has no merges');
  checkVocabulary(model.vocab, file);
  const tokens = added ?? [];
  const valid = (token: unknown) => isObject(token) && typeof token.content === 'string' && isId(token.id);
  if (!Array.isArray(tokens) || !tokens.every(valid)) throw broken('its added_tokens are not valid');
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { ...parts, ...json, added_tokens: tokens, model: model as TokenizerJson['model'] };
}

function checkVocabulary(vocab: Record<string, unknown>, file: string): Record<string, number> {
  const entries = Object.entries(vocab);
  const odd = entries.find(([, id]) => !isId(id));
  if (odd) throw new InputError(`${file}: the token ${JSON.stringify(odd[0])} has no valid number.`);
  if (entries.length === 0) throw new InputError(`${file} has no tokens.`);
  return vocab as Record<string, number>;
}

/** Pairs to merge, best first; those that lead to no token are left out. */
async function readMerges(file: string, vocab: Record<string, number>): Promise<[string, string][]> {
  const text = await readOptionalText(file, MAX_FILE_BYTES);
  if (text === undefined) throw new InputError(`${file} is missing; get the whole model.`);
  const lines = text
    .split(/\r?\n/)
    .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  const pairs = lines.map((line) => line.split(' '));
  const odd = pairs.findIndex((pair) => pair.length !== 2);
  if (odd >= 0) throw new InputError(`${file}: "${lines[odd]!.slice(0, 40)}" is not a pair of tokens.`);
  return (pairs as [string, string][]).filter((pair) => Object.hasOwn(vocab, pair.join('')));
}

function known(json: TokenizerJson, token: string): boolean {
  return (
    Object.hasOwn(json.model.vocab, token) ||
    json.added_tokens.some((added) => 'content' in added && added.content === token)
  );
}

function lengthOf(value: unknown, folder: string): number {
  // transformers writes 10³⁰ for "no limit".
  if (value === undefined || value === null || (typeof value === 'number' && value > 1e9)) return CLIP_TOKENS;
  if (typeof value === 'number' && Number.isInteger(value) && value > 2 && value <= MAX_LENGTH) return value;
  throw new InputError(
    `${path.join(folder, 'tokenizer_config.json')}: model_max_length must be a whole number from 3 to ${MAX_LENGTH}.`,
  );
}

/** The text of a special token, which may be described by an object. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  return isObject(token) && typeof token.content === 'string' ? token.content : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN_ID;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object, or undefined if there is no such file. */
async function readObject(file: string): Promise<Record<string, unknown> | undefined> {
  const value = await readOptionalJson(file, { most: MAX_FILE_BYTES });
  if (value !== undefined && !isObject(value))
    throw new InputError(`${file} is not a JSON object; get the tokenizer folder again.`);
  return value;
}
