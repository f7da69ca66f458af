import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fs } from '#host';
import { InputError } from './errors.ts';
import { readOnnxFile } from './execution/lowering/onnx/onnx-file.ts';
import { readJson, readOptionalText } from './json.ts';
import { readPictureFile } from './pictures/read.ts';
import { readBytes } from './read-bytes.ts';
import { openSafetensors } from './weights/safetensors.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-files-'));
after(() => rm(folder, { recursive: true, force: true }));

const readers = {
  readBytes: (file: string) => readBytes(file, 1000),
  readPictureFile,
  readJson: (file: string) => readJson(file),
  readOptionalText: (file: string) => readOptionalText(file, 1000),
  readOnnxFile,
  openSafetensors,
  chunks: async (file: string) => {
    for await (const _ of fs.chunks(file)) assert.fail('a chunk was read');
  },
};

test('regular files are read within bounds, also through links and without a length', async () => {
  const file = path.join(folder, 'ten');
  await writeFile(file, '0123456789');
  await symlink(file, path.join(folder, 'link'));
  for (const place of [file, path.join(folder, 'link')]) {
    assert.deepEqual(Buffer.from(await readBytes(place, 10)).toString(), '0123456789');
    await assert.rejects(readBytes(place, 9), /ten|link.* too large.* has 10 bytes.*at most 9/);
  }
  const large = path.join(folder, 'large');
  await writeFile(large, new Uint8Array(300_001).fill(7));
  const bytes = await readBytes(large, 1 << 20);
  assert.deepEqual([bytes.length, bytes.every((value) => value === 7)], [300_001, true]);
  if (process.platform === 'linux') {
    // The system reports 0 bytes for these.
    assert.match(Buffer.from(await readBytes('/proc/self/status', 1 << 20)).toString(), /^Name:/);
    await assert.rejects(readBytes('/proc/self/status', 20), /has more than 20 bytes/);
  }
});

test('a file that grows while it is read does not go beyond the bound', async () => {
  const file = path.join(folder, 'growing');
  await writeFile(file, 'x'.repeat(100));
  const growing = fs.open(file, async (reader) => {
    await appendFile(file, 'y'.repeat(10_000));
    return reader.size;
  });
  assert.equal(await growing, 100);
  await assert.rejects(readBytes(file, 5000), /at most 5000/);
});

test('what is no regular file, or leads to none, is refused by every reader and nothing waits', async () => {
  const inside = path.join(folder, 'folder');
  await mkdir(inside);
  const odd = [inside, path.join(folder, 'loop')];
  await symlink('loop', path.join(folder, 'loop'));
  if (process.platform !== 'win32') {
    const pipe = path.join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    await symlink('/dev/zero', path.join(folder, 'zero'));
    await symlink(pipe, path.join(folder, 'to-pipe'));
    odd.push(pipe, '/dev/zero', path.join(folder, 'zero'), path.join(folder, 'to-pipe'));
  }
  for (const place of odd)
    for (const [name, read] of Object.entries(readers))
      await assert.rejects(read(place), (error: Error) => {
        assert.ok(name === 'chunks' || error instanceof InputError, `${name} ${place}: ${error}`);
        // Weights are named by where their links lead, as ONNX Runtime gets them.
        return ['chunks', 'openSafetensors'].includes(name) || error.message.includes(place);
      });
});

test('a file that is missing is distinguished from one that cannot be read', async () => {
  const none = path.join(folder, 'none');
  assert.equal(await readOptionalText(none, 10), undefined);
  assert.equal(await readOptionalText(path.join(folder, 'ten', 'x'), 10), undefined);
  await assert.rejects(readJson(none), /none is missing/);
  await writeFile(path.join(folder, 'bom.json'), '\ufeff{"a": 1}');
  assert.deepEqual(await readJson(path.join(folder, 'bom.json')), { a: 1 });
});
