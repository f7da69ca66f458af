import { path } from '#host';
import { InputError, quoted } from '../errors.ts';
import { readOptionalJson, readOptionalText } from '../json.ts';
import { CLIP_TOKENS } from '../networks/clip-text.ts';
import {
  type AddedToken,
  clipTokenizerJson,
  foreignPart,
  type TokenizerJson,
} from './clip-tokenizer-json.ts';
import { CLIP_MERGES, clipVocabulary } from './clip-vocabulary.ts';

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

/** Most words added to a vocabulary; training adds far fewer. */
const MAX_ADDED = 10_000;
const MAX_ADDED_LENGTH = 1000;

/**
 * Reads a model's `tokenizer` folder: `tokenizer.json`, or `vocab.json` and `merges.txt` (for CLIP's vocabulary the
 * merges are enough), with the words of `added_tokens.json`. Special tokens and length come from
 * `special_tokens_map.json`, else from `tokenizer_config.json`. Only the vocabulary of `tokenizer.json` is used:
 * everything else must equal CLIP's, and our own definition takes its place.
 * @throws InputError naming the file that is missing or broken.
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const configFile = path.join(folder, 'tokenizer_config.json');
  const config = (await readObject(configFile)) ?? {};
  const special = (await readObject(path.join(folder, 'special_tokens_map.json'))) ?? {};
  const token = (key: string, fallback: string) =>
    contentOf(special[key]) ?? contentOf(config[key]) ?? fallback;
  const eos = token('eos_token', '<|endoftext|>');
  const bos = token('bos_token', '<|startoftext|>');
  const pad = token('pad_token', eos);
  const unknown = token('unk_token', eos);
  const { vocab, merges, added, file } = await readVocabulary(folder);
  const words = new AddedTokens(vocab);
  for (const word of added) words.add(word, file);
  const addedFile = path.join(folder, 'added_tokens.json');
  for (const [content, id] of Object.entries((await readObject(addedFile)) ?? {}))
    words.add({ content, id }, addedFile);
  const decoder = isObject(config.added_tokens_decoder) ? config.added_tokens_decoder : {};
  for (const [id, word] of Object.entries(decoder))
    words.add({ ...(isObject(word) ? word : {}), id: Number(id) }, configFile);
  for (const name of [bos, eos, pad, unknown]) words.special(name);
  for (const name of [bos, eos, pad])
    if (!words.known(name))
      throw new InputError(
        `${file} lacks the special token ${quoted(name)}; get the tokenizer folder again.`,
      );
  const json = clipTokenizerJson(vocab, merges, unknown, words.all);
  return { json, bos, eos, pad, maxLength: lengthOf(config.model_max_length, folder) };
}

/** Words added to a vocabulary by several files, which must agree. */
class AddedTokens {
  readonly #vocab: Readonly<Record<string, number>>;
  readonly #words = new Map<string, AddedToken>();

  constructor(vocab: Readonly<Record<string, number>>) {
    this.#vocab = vocab;
  }

  get all(): AddedToken[] {
    return [...this.#words.values()];
  }

  /** @throws InputError if it is not a word with an id, or the word already has another id. */
  add(word: Readonly<Record<string, unknown>>, file: string): void {
    const { content, id, lstrip, rstrip, special } = word;
    if (typeof content !== 'string' || content === '' || content.length > MAX_ADDED_LENGTH || !isId(id))
      throw new InputError(
        `${file}: the added token ${quoted(content ?? null)} has no valid number; get the tokenizer folder again.`,
      );
    if (this.#words.size >= MAX_ADDED) throw new InputError(`${file} adds more than ${MAX_ADDED} tokens.`);
    const known =
      this.#words.get(content)?.id ?? (Object.hasOwn(this.#vocab, content) ? this.#vocab[content] : id);
    if (known !== id)
      throw new InputError(
        `${file}: the token ${quoted(content)} has the number ${id}, but ${known} in another file of the folder; get the tokenizer folder again.`,
      );
    const before = this.#words.get(content);
    this.#words.set(content, {
      content,
      id,
      lstrip: before?.lstrip ?? lstrip === true,
      rstrip: before?.rstrip ?? rstrip === true,
      special: before?.special || special === true,
    });
  }

  /** Makes a token of the vocabulary a special token, which is matched in the raw text. */
  special(content: string): void {
    const id = this.#words.get(content)?.id ?? this.#vocab[content];
    if (this.known(content))
      this.#words.set(content, { ...this.#words.get(content), content, id: id!, special: true });
  }

  known(content: string): boolean {
    return this.#words.has(content) || Object.hasOwn(this.#vocab, content);
  }
}

interface Vocabulary {
  vocab: Record<string, number>;
  merges: [string, string][];
  added: Record<string, unknown>[];
  file: string;
}

async function readVocabulary(folder: string): Promise<Vocabulary> {
  const whole = path.join(folder, 'tokenizer.json');
  const json = await readObject(whole);
  if (json) return { ...vocabularyIn(json, whole), file: whole };

  const file = path.join(folder, 'vocab.json');
  const vocab = (await readObject(file)) ?? (await impliedVocabulary(folder));
  if (!vocab)
    throw new InputError(`${folder} has neither tokenizer.json nor vocab.json; get the whole model.`);
  const checked = checkVocabulary(vocab, file);
  const merges = await readMerges(path.join(folder, 'merges.txt'), checked);
  return { vocab: checked, merges, added: [], file };
}

function vocabularyIn(json: Record<string, unknown>, file: string): Omit<Vocabulary, 'file'> {
  const { model, added_tokens: added = [] } = json;
  const broken = (what: string) => new InputError(`${file}: ${what}; get the tokenizer folder again.`);
  if (!isObject(model) || model.type !== 'BPE')
    throw broken('it is not a byte-pair tokenizer (model type BPE)');
  if (!isObject(model.vocab)) throw broken('its model has no vocab');
  if (!Array.isArray(model.merges)) throw broken('its model has no merges');
  const foreign = foreignPart(json);
  if (foreign)
    throw new InputError(
      `${file}: its ${foreign} is not that of CLIP's tokenizer, the only one that is supported; nothing of it is run.`,
    );
  if (!Array.isArray(added) || !added.every(isObject)) throw broken('its added_tokens are not valid');
  const vocab = checkVocabulary(model.vocab, file);
  const pairs = model.merges.map((merge: unknown) => (typeof merge === 'string' ? merge.split(' ') : merge));
  const isPair = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
  if (!pairs.every(isPair)) throw broken('its merges are not pairs of tokens');
  return { vocab, merges: pairs.filter((pair) => Object.hasOwn(vocab, pair.join(''))), added };
}

function checkVocabulary(vocab: Record<string, unknown>, file: string): Record<string, number> {
  const entries = Object.entries(vocab);
  const odd = entries.find(([, id]) => !isId(id));
  if (odd) throw new InputError(`${file}: the token ${quoted(odd[0])} has no valid number.`);
  if (entries.length === 0) throw new InputError(`${file} has no tokens.`);
  return vocab as Record<string, number>;
}

/** CLIP's vocabulary from its merges alone; undefined if these are missing or another tokenizer's. */
async function impliedVocabulary(folder: string): Promise<Record<string, number> | undefined> {
  const file = path.join(folder, 'merges.txt');
  const pairs = await readPairs(file);
  return pairs?.length === CLIP_MERGES ? clipVocabulary(pairs) : undefined;
}

/** Pairs to merge, best first, without those that give no token. */
async function readMerges(file: string, vocab: Record<string, number>): Promise<[string, string][]> {
  const pairs = await readPairs(file);
  if (!pairs) throw new InputError(`${file} is missing; get the whole model.`);
  return pairs.filter((pair) => Object.hasOwn(vocab, pair.join('')));
}

async function readPairs(file: string): Promise<[string, string][] | undefined> {
  const text = await readOptionalText(file, MAX_FILE_BYTES);
  if (text === undefined) return undefined;
  const lines = text
    .split(/\r?\n/)
    .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
  const pairs = lines.map((line) => line.split(' '));
  const odd = pairs.findIndex((pair) => pair.length !== 2);
  if (odd >= 0) throw new InputError(`${file}: ${quoted(lines[odd]!.slice(0, 40))} is not a pair of tokens.`);
  return pairs as [string, string][];
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
