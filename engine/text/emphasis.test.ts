import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { emphasisOf } from './emphasis.ts';

/** Spans as text, `{text weight}` where the weight is not 1. */
const read = (prompt: string) =>
  emphasisOf(prompt)
    .map(({ text, weight }) => (weight === 1 ? text : `{${text} ${Number(weight.toFixed(4))}}`))
    .join('');

test('brackets, numbers, nesting, escapes', () => {
  for (const [prompt, spans] of [
    ['a red house', 'a red house'],
    ['a (red) house', 'a {red 1.1} house'],
    ['((red))', '{red 1.21}'],
    ['[red]', '{red 0.9091}'],
    ['(red:1.3) house', '{red 1.3} house'],
    ['(red: .5 )', '{red 0.5}'],
    ['(a (red:2) house:1.5)', '{a  1.5}{red 3}{ house 1.5}'],
    ['a \\(red\\) house', 'a (red) house'],
    ['a (red house', 'a {red house 1.1}'],
    ['time: 12:30) [', 'time: 12:30) '],
    ['(red:99)', '{red 10}'],
    ['', ''],
  ])
    assert.equal(read(prompt!), spans, prompt);
});

test('a text without brackets and backslashes is one span with itself', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      const plain = text.replaceAll(/[()[\]\\]/g, '');
      assert.deepEqual(emphasisOf(plain), plain ? [{ text: plain, weight: 1 }] : []);
    }),
  );
});

test('any text is read quickly, with finite weights', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'()[]\\:1.a '), maxLength: 300 }), (text) => {
      for (const { weight } of emphasisOf(text)) assert.ok(Number.isFinite(weight));
    }),
  );
  emphasisOf('('.repeat(5000) + ')'.repeat(5000));
});
