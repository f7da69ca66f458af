import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutTags } from './prompt-tags.ts';

test('tags for networks and trained words are taken out, and the warning says what to do', () => {
  for (const [prompt, text, ...sentences] of [
    [
      'a house <lora:ok:0.8>',
      'a house ',
      /<lora:ok:0\.8> .* left out: choose the file with --lora ok\.safetensors:0\.8/,
    ],
    ['<LoRA:my style>a house', 'a house', /--lora my style\.safetensors,/],
    ['a <lyco:x:1:0.5> house', 'a  house', /--lora x\.safetensors:1,/],
    ['a house <hypernet:x:1>', 'a house ', /hypernetworks are not supported/],
    ['(embedding:bad-hands_5:1.2), fog', '(:1.2), fog', /embedding:bad-hands_5 .* left out/],
    ['<lora:a:1><lora:b:1><lora:a:1>', '', /--lora a/, /--lora b/],
  ] as const) {
    const read = withoutTags(prompt);
    assert.equal(read.text, text);
    assert.equal(read.warnings.length, sentences.length);
    for (const [i, sentence] of sentences.entries()) assert.match(read.warnings[i]!, sentence);
  }
});

test('words that change on the way are kept and said', () => {
  for (const tag of ['[cat:dog:0.5]', '[cat:10]', '[cat::0.5]', '[:cat:.5]', '[cat|dog]', '[a|b|c]']) {
    const { text, warnings } = withoutTags(`a ${tag} house`);
    assert.equal(text, `a ${tag} house`);
    assert.deepEqual(warnings, [
      `${tag} in the prompt is read as it stands: words cannot change while an image is generated.`,
    ]);
  }
});

test('other prompts stay as they are, without a word', () => {
  for (const prompt of [
    'a [red] house',
    '(red:1.3) house',
    'a < b > c',
    '[[fog]], 3:2',
    'time: 10:30',
    '<lora>',
    '{a|b}',
  ])
    assert.deepEqual(withoutTags(prompt), { text: prompt, warnings: [] });
  fc.assert(fc.property(fc.stringMatching(/^[\w ,.()-]*$/), (prompt) => withoutTags(prompt).text === prompt));
  // Long ones of any kind end.
  for (const part of ['[', '[a:', '[a|', '<lora:', '<lora:a:', 'embedding:', '[a:b:1'])
    assert.equal(typeof withoutTags(part.repeat(10_000 / part.length)).text, 'string');
});
