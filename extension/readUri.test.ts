import '../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../engine/weights/testing.ts';

const { Uri } = await import('../test/support/vscode/stub.ts');
const { readUri } = await import('./readUri.ts');

test('files are read up to a bound; folders, devices and what is missing are refused by name', async () => {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'run.json');
  await writeFile(file, '{}');
  const read = (place: string, most = 2) => readUri(Uri.file(place) as never, most);
  assert.deepEqual(await read(file), new Uint8Array([0x7b, 0x7d]));
  await assert.rejects(
    read(file, 1),
    /^InputError: run\.json cannot be read: it has 2 bytes; at most 1 can be opened\.$/,
  );
  await assert.rejects(read(folder), /cannot be read: it is not a file/);
  await assert.rejects(read(path.join(folder, 'none')), /^InputError: none cannot be read/);
  if (process.platform !== 'win32')
    await assert.rejects(read('/dev/zero'), /zero cannot be read: it is not a file/);
});
