import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { llamaTokenizer, qwenTokenizer } from '../../test/support/checkpoints.ts';
import { InputError } from '../errors.ts';
import { loadLanguageTokenizer } from './language-tokenizer.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-tokenizer-'));
after(() => rm(folder, { recursive: true, force: true }));

const vocab = {
  '<pad>': 0,
  '<eos>': 1,
  '<bos>': 2,
  '<unk>': 3,
  '<0xC3>': 4,
  '<0xA9>': 5,
  '▁': 6,
  a: 7,
  b: 8,
  ab: 9,
  '▁ab': 10,
  '\n\n': 11,
};
const usual = {
  added_tokens: [2, 11].map((id) => ({ id, content: Object.keys(vocab)[id], special: id === 2 })),
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  model: { type: 'BPE', byte_fallback: true, vocab, merges: ['a b', ['▁', 'ab']] },
};

const qwen = qwenTokenizer();

async function opened(json: unknown) {
  const place = path.join(folder, String(Math.random()));
  await mkdir(place);
  await writeFile(path.join(place, 'tokenizer.json'), JSON.stringify(json));
  return loadLanguageTokenizer(place);
}

test('spaces are part of words, unknown letters are bytes, added tokens are found in text', async () => {
  const tokenizer = await opened(usual);
  assert.deepEqual(tokenizer.encode('ab ab'), [2, 9, 10]);
  assert.deepEqual(tokenizer.encode('aé'), [2, 7, 4, 5]);
  assert.deepEqual(tokenizer.encode('ab\n\na'), [2, 9, 11, 7]);
  assert.equal(tokenizer.text([9, 10]), 'ab ab');
  assert.throws(() => tokenizer.encode('a'.repeat(20_000)), /shorten it/);
});

test("Llama 3's: a text begins with its token, numbers are cut in threes, padding is the end of a text", async () => {
  const llama = llamaTokenizer() as { model: { vocab: Record<string, number> } };
  const tokenizer = await opened(llama);
  const { vocab } = llama.model;
  const ids = ['house', '1', '2', '3', '4'].map((token) => vocab[token]!);
  assert.deepEqual(tokenizer.encode('house1234'), [261, ...ids]);
  assert.equal(tokenizer.pad, 262);
});

test("Qwen's: words are cut with the space before them, letters are bytes, tokens of a chat are found", async () => {
  const tokenizer = await opened(qwen);
  const { vocab } = (qwen as { model: { vocab: Record<string, number> } }).model;
  const idsOf = (...tokens: string[]) => tokens.map((token) => vocab[token]!);
  assert.deepEqual(tokenizer.encode('house house'), idsOf('house', 'Ġhouse'));
  assert.deepEqual(tokenizer.encode('é1'), idsOf('Ã', '©', '1'));
  assert.deepEqual(tokenizer.encode("ou's"), idsOf('ou', "'", 's'));
  assert.deepEqual(tokenizer.encode('<|im_start|>a\n'), [262, ...idsOf('a', 'Ċ')]);
  assert.equal(tokenizer.pad, 261);
  assert.equal(tokenizer.text(tokenizer.encode('a house')), 'a house');
});

test('what is missing, broken or of another kind is named', async () => {
  await assert.rejects(loadLanguageTokenizer(folder), /tokenizer\.json is missing/);
  for (const [json, message] of [
    [[], /not a byte-pair tokenizer/],
    [{ ...usual, model: { ...usual.model, type: 'Unigram' } }, /not a byte-pair tokenizer/],
    [{ ...usual, model: { ...usual.model, byte_fallback: false } }, /not Gemma's tokenizer/],
    [{ ...usual, normalizer: { type: 'Lowercase' } }, /not Gemma's tokenizer/],
    [{ ...qwen, pre_tokenizer: { type: 'Whitespace' } }, /not Gemma's tokenizer, Qwen's or Llama 3's/],
    [{ ...qwen, added_tokens: [] }, /special token "<\|im_end\|>"/],
    [{ ...usual, model: { ...usual.model, vocab: { a: -1 } } }, /"a" has no valid number/],
    [{ ...usual, model: { ...usual.model, merges: ['a b c'] } }, /not pairs/],
    [{ ...usual, added_tokens: [{ id: 'x', content: 'y' }] }, /"y" has no valid number/],
    [{ ...usual, added_tokens: [], model: { ...usual.model, vocab: { a: 1 } } }, /special token "<bos>"/],
  ] as const)
    await assert.rejects(opened(json), (error) => error instanceof InputError && message.test(error.message));
});
