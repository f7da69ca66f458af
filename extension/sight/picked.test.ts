import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import type { Uri as VsCodeUri } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { decodePicture } from '../../engine/pictures/read.ts';

const { Uri } = await import('../../test/support/vscode/stub.ts');
const { withPicked } = await import('./picked.ts');

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-picked-'));
after(() => rm(folder, { recursive: true, force: true }));

/** As the engine does it, which is told no names. */
const engine = (image: Uint8Array) => decodePicture(image, 'The image');

test('a file that the engine cannot read is named', async () => {
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#48c' } })
    .png()
    .toBuffer();
  for (const [name, contents] of [
    ['words.png', Buffer.from('no image')],
    ['cut.png', png.subarray(0, png.length / 2)],
    ['empty.png', Buffer.alloc(0)],
  ] as const) {
    const file = path.join(folder, name);
    await writeFile(file, contents);
    const uri = Uri.file(file) as unknown as VsCodeUri;
    await assert.rejects(
      withPicked(uri, engine),
      (error) => error instanceof InputError && error.message.startsWith(`${name} is `),
    );
  }
});

test('another mistake is said as it is', async () => {
  const file = path.join(folder, 'whole.png');
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#48c' } })
    .png()
    .toFile(file);
  const uri = Uri.file(file) as unknown as VsCodeUri;
  const refuse = async () => {
    throw new InputError('The point is beside the image.');
  };
  await assert.rejects(withPicked(uri, refuse), /^InputError: The point is beside/);
});
