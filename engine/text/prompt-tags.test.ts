import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutTags } from './prompt-tags.ts';

test('networks are taken out of a prompt, with their strengths', () => {
  for (const [prompt, text, networks] of [
    ['a house <lora:ok:0.8>', 'a house ', [['ok', 0.8]]],
    ['<LoRA:my style>a house', 'a house', [['my style', 1]]],
    ['a <lyco:x:1> house', 'a  house', [['x', 1]]],
    [
      '<lora:a:1><lora:b:-.5><lora:sub/a:te=2:unet=2>',
      '',
      [
        ['a', 1],
        ['b', -0.5],
        ['sub/a', 2],
      ],
    ],
  ] as const) {
    const read = withoutTags(prompt);
    assert.equal(read.text, text);
    assert.deepEqual(
      read.networks.map(({ name, strength }) => [name, strength]),
      networks,
    );
    assert.deepEqual(read.warnings, []);
  }
});

test('what cannot be taken over is said', () => {
  for (const [prompt, sentence] of [
    ['a house <hypernet:x:1>', /hypernetworks are not supported/],
    ['<lora:x:1:0.5>', /<lora:x:1:0\.5> in the prompt is merged with strength 1 into all parts/],
    ['<lora:x:40>', /merged with strength 4/],
    ['<lora:x:strong>', /merged with strength 1/],
  ] as const) {
    const { warnings } = withoutTags(prompt);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, sentence);
  }
});

test('other prompts stay as they are, without a word', () => {
  for (const prompt of [
    'a [red] house',
    '(red:1.3) house',
    'a < b > c',
    '[[fog]], 3:2',
    '[cat:dog:0.5], [cat|dog]',
    'time: 10:30',
    '<lora>',
    '{a|b}',
  ])
    assert.deepEqual(withoutTags(prompt), { text: prompt, networks: [], warnings: [] });
  fc.assert(fc.property(fc.stringMatching(/^[\w ,.()-]*$/), (prompt) => withoutTags(prompt).text === prompt));
  // Long ones of any kind end.
  for (const part of ['[', '[a:', '[a|', '<lora:', '<lora:a:', 'embedding:', '[a:b:1'])
    assert.equal(typeof withoutTags(part.repeat(10_000 / part.length)).text, 'string');
});
