import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InputError } from '../errors.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

/**
 * A byte-pair vocabulary learnt from three captions, with ids of some texts by an independent implementation
 * (`training/tokenizer.py`), which differs in knowing ASCII digits only.
 */
const fixture = join(import.meta.dirname, '../../test/fixtures/tokenizer');
const tokenizer = await loadTokenizer(fixture);

const framed = (by: Tokenizer, text: string) => [...by.frame(by.tokens(text))];

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A copy of the fixture with some files written again; undefined removes one. */
async function variant(files: Record<string, string | undefined>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'patchwork-tokenizer-'));
  folders.push(folder);
  await cp(fixture, folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) await rm(join(folder, name));
    else await writeFile(join(folder, name), content);
  }
  return folder;
}

const vocab: Record<string, number> = JSON.parse(await readFile(join(fixture, 'vocab.json'), 'utf8'));
const bos = vocab['<|startoftext|>']!;
const eos = vocab['<|endoftext|>']!;

test('ids agree with an independent implementation', async () => {
  const cases = JSON.parse(await readFile(join(fixture, 'expected.json'), 'utf8'));
  for (const { text, ids } of cases)
    assert.deepEqual([...tokenizer.frame(tokenizer.tokens(text).slice(0, 75))], ids, text);
});

test('case, spaces and line breaks do not matter, nor the form of composed letters', () => {
  const ids = (text: string) => tokenizer.tokens(text);
  assert.deepEqual(ids('  A Red\n\tHOUSE '), ids('a red house'));
  assert.deepEqual(ids('cafe\u0301'), ids('caf\u00e9'));
  assert.notDeepEqual(ids('a red house'), ids('a house red'));
});

test('a text is framed and padded; an empty one is only that', () => {
  const ids = framed(tokenizer, 'a red house');
  assert.equal(ids.length, 77);
  assert.equal(tokenizer.tokens('a red house').length, 3);
  assert.equal(ids[0], bos);
  assert.ok(ids.slice(4).every((id) => id === eos));
  assert.deepEqual(tokenizer.tokens(''), []);
  assert.throws(() => tokenizer.frame(new Array(76).fill(1)), RangeError);
});

test('any text gives known ids: emoji, other scripts, lone surrogates, one very long word', () => {
  const size = Object.keys(vocab).length;
  for (const text of [
    '🏠👩‍👩‍👧',
    '家の前の猫',
    'дом',
    '\ud83c',
    '\0\u0007',
    'x'.repeat(10_000),
    '<|endoftext|>',
  ]) {
    const ids = tokenizer.tokens(text);
    assert.ok(
      ids.every((id) => Number.isInteger(id) && id >= 0 && id < size),
      text.slice(0, 20),
    );
  }
  assert.throws(() => tokenizer.tokens('x'.repeat(10_001)), InputError);
});

test('tokenizer.json alone gives the same ids', async () => {
  const { json } = await readTokenizerFiles(fixture);
  const files = { 'tokenizer.json': JSON.stringify(json), 'vocab.json': undefined, 'merges.txt': undefined };
  const other = await loadTokenizer(await variant(files));
  for (const text of ['A red house, by 2 lakes!', "it's über 🏠"]) {
    assert.deepEqual(framed(other, text), framed(tokenizer, text));
  }
});

test('another padding token, as in Stable Diffusion 2', async () => {
  const json = async (name: string) => JSON.parse(await readFile(join(fixture, name), 'utf8'));
  const config = await json('tokenizer_config.json');
  const map = await json('special_tokens_map.json');
  const padded = async (files: Record<string, unknown>) => {
    const texts = Object.entries(files).map(([name, value]) => [name, value && JSON.stringify(value)]);
    return framed(await loadTokenizer(await variant(Object.fromEntries(texts))), 'a house').slice(0, 6);
  };
  const start = [bos, vocab['a</w>'], vocab['house</w>'], eos];
  const [mark, end] = ['!', '<|endoftext|>'].map((token) => [...start, vocab[token], vocab[token]]);
  // The map wins where the two disagree, as in Stable Diffusion 2.
  const inMap = { 'special_tokens_map.json': { ...map, pad_token: { content: '!' } } };
  assert.deepEqual(await padded(inMap), mark);
  assert.deepEqual(await padded({ 'tokenizer_config.json': { ...config, pad_token: '!' } }), end);
  const only = {
    'special_tokens_map.json': undefined,
    'tokenizer_config.json': { ...config, pad_token: '!' },
  };
  assert.deepEqual(await padded(only), mark);
});

test('words that were added are one token each, wherever the folder names them', async () => {
  const { json } = await readTokenizerFiles(fixture);
  const config = JSON.parse(await readFile(join(fixture, 'tokenizer_config.json'), 'utf8'));
  const size = Object.keys(vocab).length;
  const word = { content: '<cat-toy>', id: size, special: false };
  for (const [name, value] of Object.entries({
    'added_tokens.json': { '<cat-toy>': size },
    'tokenizer.json': { ...json, added_tokens: [...json.added_tokens, word] },
    'tokenizer_config.json': { ...config, added_tokens_decoder: { [size]: { content: '<cat-toy>' } } },
  })) {
    const by = await loadTokenizer(await variant({ [name]: JSON.stringify(value) }));
    assert.deepEqual(by.tokens('a <cat-toy> house'), [vocab['a</w>'], size, vocab['house</w>']], name);
    assert.deepEqual(by.tokens('a house'), tokenizer.tokens('a house'));
    assert.equal(by.text([size]), '<cat-toy>');
  }
  for (const [files, message] of [
    [{ 'added_tokens.json': '{"<a>": -1}' }, /added_tokens\.json.*"<a>" has no valid number/],
    [{ 'added_tokens.json': '{"": 5}' }, /no valid number/],
    [{ 'added_tokens.json': '{"house</w>": 3}' }, /"house<\/w>" has the number 3, but \d+ in another/],
    [
      {
        'added_tokens.json': `{"<a>": ${size}}`,
        'tokenizer_config.json': JSON.stringify({ added_tokens_decoder: { 9999: { content: '<a>' } } }),
      },
      /tokenizer_config\.json: the token "<a>" has the number 9999, but/,
    ],
  ] as const)
    await assert.rejects(async () => loadTokenizer(await variant(files)), message);
});

test('regular expressions of a tokenizer.json are never run: CLIP’s are known, others are refused', async () => {
  const { json } = await readTokenizerFiles(fixture);
  const endless = { Regex: '([a-z ,]+)+#' };
  type Steps = { normalizers: object[]; pretokenizers: object[] };
  const { normalizers } = json.normalizer as Steps;
  const { pretokenizers } = json.pre_tokenizer as Steps;
  const changes: [object, string][] = [
    [{ normalizer: { type: 'Replace', pattern: endless, content: '' } }, 'normalizer'],
    [
      {
        normalizer: {
          type: 'Sequence',
          normalizers: [...normalizers, { type: 'Replace', pattern: endless }],
        },
      },
      'normalizer',
    ],
    [{ normalizer: null }, 'normalizer'],
    [
      { pre_tokenizer: { type: 'Split', pattern: endless, behavior: 'Removed', invert: true } },
      'pre_tokenizer',
    ],
    [
      {
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [{ ...pretokenizers[0], pattern: endless }, pretokenizers[1]],
        },
      },
      'pre_tokenizer',
    ],
    [
      {
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [...pretokenizers, { type: 'Split', pattern: endless }],
        },
      },
      'pre_tokenizer',
    ],
    [{ model: { ...json.model, end_of_word_suffix: '' } }, 'model'],
  ];
  for (const [change, part] of changes) {
    const folder = await variant({ 'tokenizer.json': JSON.stringify({ ...json, ...change }) });
    await assert.rejects(loadTokenizer(folder), (error: Error) => {
      assert.ok(error instanceof InputError);
      return error.message.includes(`its ${part} is not that of CLIP`);
    });
  }
  // What comes after is ours whatever the file says.
  const decoder = { type: 'Replace', pattern: endless, content: '' };
  const folder = await variant({
    'tokenizer.json': JSON.stringify({ ...json, decoder, post_processor: decoder }),
  });
  assert.deepEqual((await loadTokenizer(folder)).tokens('a, red house'), tokenizer.tokens('a, red house'));
});

test('another length, or none given', async () => {
  const withLength = async (model_max_length: unknown) =>
    (
      await readTokenizerFiles(
        await variant({ 'tokenizer_config.json': JSON.stringify({ model_max_length }) }),
      )
    ).maxLength;
  assert.equal(await withLength(32), 32);
  assert.equal(await withLength(1e30), 77);
  assert.equal(await withLength(undefined), 77);
  for (const length of [0, -5, 1e6, '77', 7.5]) await assert.rejects(withLength(length), /model_max_length/);
});

test('files that are missing or broken are named', async () => {
  const cases: [Record<string, string | undefined>, RegExp][] = [
    [{ 'vocab.json': undefined }, /neither tokenizer\.json nor vocab\.json/],
    [{ 'merges.txt': undefined }, /merges\.txt is missing/],
    [{ 'merges.txt': 'a b\nabc\n' }, /merges\.txt: "abc" is not a pair/],
    [{ 'vocab.json': '{' }, /vocab\.json is not valid JSON/],
    [{ 'vocab.json': '[]' }, /vocab\.json is not a JSON object/],
    [{ 'vocab.json': '{}' }, /vocab\.json has no tokens/],
    [{ 'vocab.json': '{"a": -1}' }, /"a" has no valid number/],
    [{ 'vocab.json': '{"a": 1e12}' }, /"a" has no valid number/],
    [{ 'vocab.json': '{"a": 1}' }, /lacks the special token/],
    [{ 'tokenizer.json': '{}' }, /tokenizer\.json: it is not a byte-pair tokenizer/],
    [{ 'tokenizer.json': '{"model":{"type":"BPE"}}' }, /has no vocab/],
    [{ 'tokenizer.json': '{"model":{"type":"BPE","vocab":{"a":1}}}' }, /has no merges/],
    [
      { 'special_tokens_map.json': '{"eos_token": {"content": "<none>"}}' },
      /lacks the special token "<none>"/,
    ],
  ];
  for (const [files, message] of cases) {
    const folder = await variant(files);
    await assert.rejects(loadTokenizer(folder), (error) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  const { json } = await readTokenizerFiles(fixture);
  for (const broken of [
    { ...json, normalizer: { type: 'Unheard' } },
    { ...json, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } },
    { ...json, model: { ...json.model, merges: [5] } },
  ]) {
    await assert.rejects(
      loadTokenizer(await variant({ 'tokenizer.json': JSON.stringify(broken) })),
      InputError,
    );
  }
});

test('the tokenizer of the embedded model', async (t) => {
  const folder = join(import.meta.dirname, '../../media/models/scenes/tokenizer');
  const present = await readFile(join(folder, 'vocab.json')).then(
    () => true,
    () => false,
  );
  if (!present) return t.skip('it is not there');
  assert.equal((await loadTokenizer(folder)).tokens('a red house by a lake at sunset').length, 8);
});
