import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { extensionHindrance, mostExtension } from './extendFrame.ts';

test('an extension stays within the largest image', () => {
  const size = { width: 1000, height: 2048 };
  assert.equal(mostExtension(size, NO_EXTENSION, 'left'), 1048);
  assert.equal(mostExtension(size, { ...NO_EXTENSION, right: 40 }, 'left'), 1008);
  assert.equal(mostExtension(size, NO_EXTENSION, 'top'), 0);
  assert.equal(mostExtension({ width: 4000, height: 3000 }, NO_EXTENSION, 'right'), 0);
});

test('says why an image cannot be extended', () => {
  const size = { width: 1000, height: 600 };
  assert.match(extensionHindrance(size, NO_EXTENSION)!, /^Drag an edge/);
  assert.equal(extensionHindrance(size, { ...NO_EXTENSION, top: 8 }), undefined);
  assert.match(
    extensionHindrance(size, { ...NO_EXTENSION, right: 1056 })!,
    /would have 2056 × 600 pixels; at most 2048/,
  );
  assert.match(extensionHindrance({ width: 4000, height: 3000 }, NO_EXTENSION)!, /cannot be extended/);
});
