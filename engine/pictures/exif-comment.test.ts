import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { commentIn, exifWithComment } from './exif-comment.ts';

const grey = () => sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } });

test('any text comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => commentIn(exifWithComment(text)) === text),
  );
});

test('comments of other writers are read', async () => {
  const file = await grey()
    .withExif({ IFD2: { UserComment: 'a red house' } })
    .jpeg()
    .toBuffer();
  const { exif } = await sharp(file).metadata();
  assert.equal(commentIn(exif!), 'a red house');
});

test('anything else has no comment', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => commentIn(bytes) === undefined));
  const whole = exifWithComment('a red house');
  for (let length = 0; length < 44; length++)
    assert.equal(commentIn(whole.subarray(0, length)), undefined, `${length} bytes`);
});
