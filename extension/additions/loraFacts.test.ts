import assert from 'node:assert/strict';
import { test } from 'node:test';
import { triggerWords } from './loraFacts.ts';

test('named trigger words count before frequent tags', () => {
  const ss_tag_frequency = JSON.stringify({ '10_ink': { ink: 9, line: 3 }, '5_more': { line: 8, paper: 1 } });
  assert.deepEqual(triggerWords({ 'modelspec.trigger_phrase': 'inkstyle,  bold ink', ss_tag_frequency }), [
    'inkstyle',
    'bold ink',
  ]);
  assert.deepEqual(triggerWords({ ss_tag_frequency }), ['line', 'ink', 'paper']);
});

test('metadata that is none, or hostile, gives no words, and few', () => {
  assert.deepEqual(triggerWords({}), []);
  for (const text of ['{', '[]', 'null', '{"a": 3}', '{"a": {"b": "c", "__proto__": -1}}'])
    assert.deepEqual(triggerWords({ ss_tag_frequency: text }), []);
  const many = triggerWords({ ss_trigger_words: Array.from({ length: 500 }, (_, i) => `w${i}`).join(',') });
  assert.equal(many.length, 12);
  const [odd] = triggerWords({ ss_trigger_words: `a\u202e${'x'.repeat(5000)}` });
  assert.ok(odd!.length <= 80 && !odd!.includes('\u202e'));
});
