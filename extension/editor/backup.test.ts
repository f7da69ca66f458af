import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { backupOf, readBackup, restoreParts } from './backup.ts';
import { PictureModel } from './pictureModel.ts';

const original = () => ({ width: 6, height: 4, channels: 3, data: new Uint8Array(72).fill(50) });

test('a backup brings picture and mask back as they were', () => {
  const model = new PictureModel(original());
  model.do(model.edit('mask', 'x', { left: 1, top: 1, width: 2, height: 1, data: Uint8Array.of(200, 9) })!);
  model.do(
    model.edit('pixels', 'x', { left: 5, top: 3, width: 1, height: 1, data: Uint8Array.of(1, 2, 3) })!,
  );
  const backup = readBackup(backupOf(Uint8Array.of(7), 'digest', model, undefined));
  assert.deepEqual([...backup.file], [7]);
  assert.equal(backup.disk, 'digest');
  const restored = new PictureModel(original());
  restoreParts(restored, backup);
  assert.deepEqual(restored.mask.data, model.mask.data);
  assert.deepEqual(restored.pixels.data, model.pixels.data);
  assert.deepEqual(restored.original.data, model.original.data);
});

test('an untouched picture has a backup without parts', () => {
  const bytes = backupOf(Uint8Array.of(7), 'digest', new PictureModel(original()), undefined);
  assert.deepEqual(readBackup(bytes).parts, []);
});

test('what is no backup is refused', () => {
  for (const bytes of [serialize({ version: 2 }), serialize(null), Uint8Array.of(1, 2, 3)])
    assert.throws(() => readBackup(bytes), /could not be restored/);
});
