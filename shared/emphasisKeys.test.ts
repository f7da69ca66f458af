import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reweighted } from './emphasisKeys.ts';

/** The prompt after keys, with what is selected in brackets of its own; `|` marks the cursor or both ends of a selection. */
function after(marked: string, ...keys: ('up' | 'down')[]): string {
  const start = marked.indexOf('|');
  const last = marked.lastIndexOf('|');
  let prompt = marked.replaceAll('|', '');
  let selected: readonly [number, number] = [start, last === start ? start : last - 1];
  for (const key of keys) {
    const change = reweighted(prompt, ...selected, key === 'up');
    if (!change) continue;
    prompt = prompt.slice(0, change.from) + change.text + prompt.slice(change.to);
    selected = change.select;
  }
  const [from, to] = selected;
  return `${prompt.slice(0, from)}|${prompt.slice(from, to)}|${prompt.slice(to)}`;
}

test('the word at the cursor gets more weight, or less', () => {
  assert.equal(after('a red ho|use by a lake', 'up'), 'a red (|house|:1.1) by a lake');
  assert.equal(after('a red house|', 'up', 'up'), 'a red (|house|:1.2)');
  assert.equal(after('|red', 'down'), '(|red|:0.9)');
});

test('at weight 1 the brackets go', () => {
  assert.equal(after('a (la|ke:1.1)', 'down'), 'a |lake|');
  assert.equal(after('a (lake:0.9|)', 'up'), 'a |lake|');
});

test('selected words are weighted together, and changed as a group', () => {
  assert.equal(after('a |red house| at noon', 'up', 'up'), 'a (|red house|:1.2) at noon');
  assert.equal(after('a (red hou|se:1.25)', 'up'), 'a (|red house|:1.4)');
});

test('where there is no word, or no more weight, nothing changes', () => {
  assert.equal(reweighted('', 0, 0, true), undefined);
  assert.equal(reweighted('a,  b', 3, 3, true), undefined);
  assert.equal(reweighted('(a:2)', 1, 1, true), undefined);
});
