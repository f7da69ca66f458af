import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooserOf, makeChoices } from './choices.ts';

const files: Record<string, string[]> = {
  animal: ['cat', 'dog'],
  'deep/colour': ['dark {red|red}'],
  endless: ['__endless__'],
  doubling: ['__doubling__ __doubling__ __doubling__'],
  empty: [],
};
const wildcards = async (name: string) => files[name];
const first = (_: number) => 0;
const last = (n: number) => n - 1;
const made = async (prompt: string, choose: (n: number) => number) =>
  (await makeChoices(prompt, choose, wildcards)).text;

test('one of the options, several, nested ones, and lines of wildcards', async () => {
  assert.equal(await made('a {red|blue} house', first), 'a red house');
  assert.equal(await made('a {red|blue} house', last), 'a blue house');
  assert.equal(await made('{a|{b|c}} {d|e}', last), 'c e');
  assert.equal(await made('{2$$a|b|c}', first), 'a, b');
  assert.equal(await made('{1-2$$a|b|c}', last), 'c, b');
  assert.equal(await made('{5$$a|b}', first), 'a, b');
  assert.equal(await made('{|a}b', first), 'b');
  assert.equal(await made('a __animal__ in __deep/colour__', last), 'a dog in dark red');
  assert.equal(await made('{__animal__|x}', first), 'cat');
  assert.equal(await made('\\{a|b\\}', first), '{a|b}');
});

test('what is no choice stays as it is', async () => {
  for (const prompt of ['a {word}', 'a }{ b', '{a|b', 'a_b__c', '(a:1.2), [b]', ''])
    assert.equal(await made(prompt, last), prompt);
});

test('wildcards that are not here, are empty or have no end are left out and said', async () => {
  for (const [prompt, text, sentence] of [
    ['a __nothing__ b', 'a  b', /__nothing__ in the prompt was left out: the wildcard is not here/],
    ['a __empty__', 'a ', /has no lines/],
    ['__endless__', '', /without an end/],
    ['__doubling__', '', /without an end/],
  ] as const) {
    const { text: read, warnings } = await makeChoices(prompt, first, wildcards);
    assert.equal(read.trim(), text.trim());
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, sentence);
  }
});

test('a seed makes the same choices again, others make others, and weights count', async () => {
  const prompt = '{a|b|c|d} {a|b|c|d} {a|b|c|d} {a|b|c|d}';
  assert.equal(await made(prompt, chooserOf(7)), await made(prompt, chooserOf(7)));
  const all = await Promise.all(Array.from({ length: 20 }, (_, seed) => made(prompt, chooserOf(seed))));
  assert.ok(new Set(all).size > 10);
  const choose = chooserOf(1);
  let rare = 0;
  for (let i = 0; i < 400; i++) if ((await made('{1::a|9::b}', choose)) === 'a') rare++;
  assert.ok(rare > 15 && rare < 80, `${rare} of 400`);
});

test('any text is read in bounded time, and without signs of the grammar stays as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[\w ,.()[\]:-]{0,60}$/), async (text) => {
      if (!text.includes('__')) assert.equal(await made(text, first), text);
    }),
  );
  for (const part of ['{', '{a|', '|}', '__a', '{2$$', '__animal__'])
    assert.equal(typeof (await made(part.repeat(10_000 / part.length), first)), 'string');
});
