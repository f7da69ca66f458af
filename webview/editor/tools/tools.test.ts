import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TOOLS, toolOf } from './index.ts';

test('every tool has an id and a key of its own', () => {
  assert.equal(new Set(TOOLS.map(({ id }) => id)).size, TOOLS.length);
  assert.equal(new Set(TOOLS.map(({ key }) => key)).size, TOOLS.length);
  for (const { key, title, hint } of TOOLS) {
    assert.match(key, /^[A-Z]$/);
    assert.ok(title && hint);
  }
});

test('no tool takes the key of another command of the editor', () => {
  // Invert, hide the mask or the control layer, next object, before and after, last mask: see keyboard.ts.
  for (const { key, id } of TOOLS) assert.ok(!'IMKNCU'.includes(key), `${id} has the key ${key}`);
});

test('an unknown id is the brush', () => {
  assert.equal(toolOf('gone').id, 'brush');
});

test('the README lists the keys of all tools, in their order', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '../../../README.md'), 'utf8');
  assert.ok(readme.includes(`\n| ${TOOLS.map(({ key }) => key).join(', ')} | `));
});
