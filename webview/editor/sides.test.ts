import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { cropHindrance, cropTo, extensionHindrance, mostCrop, mostExtension } from './sides.ts';

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

test('a crop leaves at least one pixel', () => {
  const size = { width: 100, height: 60 };
  assert.equal(mostCrop(size, NO_EXTENSION, 'left'), 99);
  assert.equal(mostCrop(size, { ...NO_EXTENSION, bottom: 50 }, 'top'), 9);
  assert.match(cropHindrance(size, NO_EXTENSION)!, /^Drag an edge/);
  assert.equal(cropHindrance(size, { ...NO_EXTENSION, left: 1 }), undefined);
  assert.match(cropHindrance(size, { ...NO_EXTENSION, left: 40, right: 60 })!, /^Nothing/);
  const crop = cropTo({ left: 10, top: 20, width: 30, height: 5 }, size);
  assert.deepEqual(crop, { left: 10, top: 20, right: 60, bottom: 35 });
});
