import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { InputError } from './errors.ts';
import { parseJson, readJson, readOptionalJson } from './json.ts';

test('Python’s non-finite numbers are read as absent, text is left alone', () => {
  const parsed = parseJson('{"a": -Infinity, "b": NaN, "c": "NaN \\" -Infinity", "d": Infinity}', 'x.json');
  assert.deepEqual(parsed, { a: null, b: null, c: 'NaN " -Infinity', d: null });
});

test('any JSON value is read as it is, beside a number that is not finite too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(parseJson(text, 'x.json'), JSON.parse(text));
      assert.deepEqual(parseJson(`[NaN, ${text}]`, 'x.json'), [null, JSON.parse(text)]);
    }),
  );
});

test('what is not JSON is named in a sentence, however long it is', () => {
  const broken = ['', '{"a": ', '"'.repeat(1_000_000), '['.repeat(1_000_000), `"${'\\"'.repeat(500_000)}`];
  for (const text of broken)
    assert.throws(() => parseJson(text, 'unet/config.json'), {
      name: 'InputError',
      message: 'unet/config.json is not valid JSON; get it again.',
    });
});

test('a missing file, a folder and a file that is too large', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-json-'));
  try {
    const file = path.join(folder, 'a.json');
    assert.equal(await readOptionalJson(file), undefined);
    await assert.rejects(readJson(file, { hint: 'Is it a model?' }), /a\.json is missing\. Is it a model\?/);
    await writeFile(file, `[${' '.repeat(100)}]`);
    assert.deepEqual(await readJson(file), []);
    await assert.rejects(readJson(file, { most: 50 }), /too large/);
    await assert.rejects(readJson(folder), InputError);
  } finally {
    await rm(folder, { recursive: true });
  }
});
