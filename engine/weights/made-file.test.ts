import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { openOrMake, spareNotices } from './made-file.ts';
import { temporaryFolder } from './testing.ts';

/** A maker of files that some folders refuse, and the places where it was asked to make them. */
function maker(refuses: (file: string) => boolean) {
  const asked: string[] = [];
  const open = async (file: string) => (existsSync(file) ? file : undefined);
  const make = async (file: string) => {
    asked.push(file);
    if (refuses(file)) throw writeError(file, Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await writeFile(file, '');
    return file;
  };
  return { asked, open, make };
}

test('what the cache does not take is made once elsewhere, found there again, and said', async () => {
  const cache = await temporaryFolder();
  const file = path.join(cache, 'merged', 'a.safetensors');
  const { asked, ...making } = maker((place) => place.startsWith(cache));
  const made = await openOrMake(file, making);
  assert.equal(path.basename(made), 'a.safetensors');
  assert.ok(!made.startsWith(cache));
  assert.equal(await openOrMake(file, making), made);
  assert.deepEqual(asked, [file, made]);
  const notices = spareNotices([
    { file: path.join(cache, 'unet.safetensors'), size: 0 },
    { file: made, size: 0 },
  ]);
  assert.equal(notices.length, 1);
  assert.match(
    notices[0]!,
    /^Cannot write .*a\.safetensors: the disk is full, so the weights .* are kept in /,
  );
  assert.deepEqual(spareNotices([{ file, size: 0 }]), []);
});

test('where no folder takes it, the error is that of the cache; other errors are passed on', async () => {
  const cache = await temporaryFolder();
  const file = path.join(cache, 'merged', 'b.safetensors');
  await assert.rejects(
    openOrMake(
      file,
      maker(() => true),
    ),
    {
      name: 'InputError',
      message: `Cannot write ${file}: the disk is full.`,
    },
  );
  const { asked, ...making } = maker(() => false);
  const make = async () => {
    throw new InputError('The file is made for another model.');
  };
  await assert.rejects(openOrMake(file, { ...making, make }), /another model/);
  // The cache takes it again.
  await mkdir(path.dirname(file), { recursive: true });
  assert.equal(await openOrMake(file, making), file);
  assert.deepEqual(asked, [file]);
});
