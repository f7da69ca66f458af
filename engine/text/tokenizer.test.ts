import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';

/**
 * A byte-pair vocabulary learnt from three captions, with ids of some texts by an independent implementation
 * (`training/tokenizer.py`), which differs in knowing ASCII digits only.
 */
const fixture = fileURLToPath(new URL('../../test/fixtures/tokenizer', import.meta.url));
const tokenizer = await loadTokenizer(fixture);

const framed = (by: Tokenizer, text: string) => [...by.frame(by.tokens(text))];

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A copy of the fixture with some files written anew; undefined removes one. */
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
  const config = JSON.parse(await readFile(join(fixture, 'tokenizer_config.json'), 'utf8'));
  const folder = await variant({ 'tokenizer_config.json': JSON.stringify({ ...config, pad_token: '!' }) });
  assert.deepEqual(framed(await loadTokenizer(folder), 'a house').slice(0, 6), [
    bos,
    vocab['a</w>'],
    vocab['house</w>'],
    eos,
    vocab['!'],
    vocab['!'],
  ]);
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
    [{ 'tokenizer_config.json': '{"eos_token": {"content": "<none>"}}' }, /lacks the special token <none>/],
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
  const folder = fileURLToPath(new URL('../../media/models/scenes/tokenizer', import.meta.url));
  const present = await readFile(join(folder, 'vocab.json')).then(
    () => true,
    () => false,
  );
  if (!present) return t.skip('it is not there');
  assert.equal((await loadTokenizer(folder)).tokens('a red house by a lake at sunset').length, 8);
});
