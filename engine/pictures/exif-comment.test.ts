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

test('a recipe is read in whatever coding it was written, and in either order of bytes', () => {
  const text = 'ünï テスト 👩‍🚀\nSteps: 4, Seed: 7';
  const utf16 = Buffer.from(text, 'utf16le');
  const swapped = Buffer.from(utf16).swap16();
  const utf8 = Buffer.from(text);
  for (const little of [false, true])
    for (const [coding, bytes] of [
      ['UNICODE\0', utf16],
      ['UNICODE\0', swapped],
      ['UNICODE\0', Buffer.from(`\ufeff${text}`, 'utf16le')],
      ['UNICODE\0', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
      ['ASCII\0\0\0', utf8],
      ['ASCII\0\0\0', Buffer.concat([utf8, Buffer.alloc(3)])],
      ['\0'.repeat(8), utf8],
      ['', utf8],
    ] as const)
      assert.equal(commentIn(commented(coding, bytes, little)), text, `${coding} ${little}`);
  const latin = Buffer.from('größe', 'latin1');
  assert.equal(commentIn(commented('ASCII\0\0\0', latin, true)), 'größe');
  for (const other of ['not a recipe', 'JIS\0\0\0\0\0text'])
    assert.equal(commentIn(commented('', Buffer.from(other), true)), undefined);
});

/** A TIFF structure with a comment in it, in either order of bytes. */
function commented(coding: string, text: Uint8Array, little: boolean): Uint8Array {
  const comment = Buffer.concat([Buffer.from(coding, 'latin1'), text]);
  const number = (bytes: 2 | 4, value: number) => {
    const number = Buffer.alloc(bytes);
    if (little) number.writeUIntLE(value, 0, bytes);
    else number.writeUIntBE(value, 0, bytes);
    return number;
  };
  const entry = (tag: number, type: number, count: number, value: number) =>
    Buffer.concat([
      number(2, 1),
      number(2, tag),
      number(2, type),
      number(4, count),
      number(4, value),
      number(4, 0),
    ]);
  const start = Buffer.concat([Buffer.from(little ? 'II' : 'MM'), number(2, 42), number(4, 8)]);
  return Buffer.concat([start, entry(0x8769, 4, 1, 26), entry(0x9286, 7, comment.length, 44), comment]);
}

test('anything else has no comment', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => commentIn(bytes) === undefined));
  const whole = exifWithComment('a red house');
  for (let length = 0; length < 44; length++)
    assert.equal(commentIn(whole.subarray(0, length)), undefined, `${length} bytes`);
});
