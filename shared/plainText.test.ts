import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { plainText } from './plainText.ts';

test('plain text stays as it is', () => {
  for (const text of ['A house.', 'テスト ünï 👩‍🚀', 'C:\\models\\x', '[a](b)'])
    assert.equal(plainText(text), text);
});

test('lines become one, and control characters are seen but do nothing', () => {
  assert.equal(plainText(' a\r\n\tb '), 'a b');
  assert.equal(plainText('\u001b]0;title\u0007x\u009b2J'), '\ufffd]0;title\ufffdx\ufffd2J');
  assert.equal(plainText('photo\u202egnp.exe'), 'photo\ufffdgnp.exe');
});

test('of long text the middle is left out, not what to do', () => {
  const text = plainText(`The file ${'x'.repeat(100_000)} is missing; choose another.`, 80);
  assert.equal(text.length, 80);
  assert.match(text, /^The file x+…x* is missing; choose another\.$|^The file x+….*; choose another\.$/);
});

test('whatever comes, the result is bounded, on one line, well formed, and the same when done twice', () => {
  const unit = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(unit, fc.integer({ min: 4, max: 40 }), (text, most) => {
      const plain = plainText(text, most);
      assert.ok(plain.length <= most);
      assert.doesNotMatch(plain, /[\p{Cc}\p{Cs}\u2028\u2029]/u);
      assert.equal(plainText(plain, most), plain);
    }),
  );
});
