import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsPatch, combined } from './selection.ts';

const object = { width: 2, height: 2, data: Uint8Array.of(0, 1, 0, 1) };

test('an object replaces the mask, is added to it, or taken away', () => {
  const mask = { width: 2, height: 2, channels: 1, data: Uint8Array.of(200, 200, 0, 0) };
  assert.deepEqual([...combined(mask, object, 'replace').data], [0, 255, 0, 255]);
  assert.deepEqual([...combined(mask, object, 'add').data], [200, 255, 0, 255]);
  assert.deepEqual([...combined(mask, object, 'remove').data], [200, 0, 0, 0]);
  assert.deepEqual([...mask.data], [200, 200, 0, 0]);
});

test('a preview is no larger than the object', () => {
  const data = Uint8Array.of(255, 255);
  assert.deepEqual(boundsPatch(object), { left: 1, top: 0, width: 1, height: 2, data });
  assert.equal(boundsPatch({ ...object, data: new Uint8Array(4) }), undefined);
});
