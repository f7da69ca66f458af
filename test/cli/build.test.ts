import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { publish, removeUnused } from '../../scripts/publish.mjs';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const root = path.join(import.meta.dirname, '../..');
const DAY = 24 * 3600_000;

function made(folder: string, files: Record<string, string>) {
  const outputs = Object.entries(files).map(([name, text]) => ({
    path: path.join(folder, name),
    contents: Buffer.from(text),
  }));
  publish(outputs, new Date());
}

test('a build replaces what has changed and leaves what running processes may still import', () =>
  inTemporaryFolder(async (folder) => {
    made(folder, {
      'main.mjs': "export * from './chunks/a-1.mjs';",
      'chunks/a-1.mjs': 'export const a = 1;',
    });
    const before = fs.statSync(path.join(folder, 'chunks/a-1.mjs'));
    const old = new Date(Date.now() - DAY);
    fs.utimesSync(path.join(folder, 'chunks/a-1.mjs'), old, old);

    made(folder, {
      'main.mjs': "export * from './chunks/a-2.mjs';",
      'chunks/a-2.mjs': 'export const a = 2;',
    });
    removeUnused(path.join(folder, 'chunks'));
    assert.deepEqual(fs.readdirSync(folder).sort(), ['chunks', 'main.mjs']);
    assert.deepEqual(fs.readdirSync(path.join(folder, 'chunks')).sort(), ['a-1.mjs', 'a-2.mjs']);
    assert.match(fs.readFileSync(path.join(folder, 'main.mjs'), 'utf8'), /a-2/);

    // The same again: nothing is written, but the file counts as made by this build.
    made(folder, { 'chunks/a-1.mjs': 'export const a = 1;' });
    const after = fs.statSync(path.join(folder, 'chunks/a-1.mjs'));
    assert.equal(after.ino, before.ino);
    assert.ok(after.mtimeMs > old.getTime());

    removeUnused(path.join(folder, 'chunks'), Date.now() + 8 * DAY);
    assert.deepEqual(fs.readdirSync(path.join(folder, 'chunks')), []);
  }));

test('a file is never seen half written, and a failure leaves the old one', () =>
  inTemporaryFolder(async (folder) => {
    made(folder, { 'main.mjs': 'old' });
    const open = fs.openSync(path.join(folder, 'main.mjs'), 'r');
    made(folder, { 'main.mjs': 'new' });
    assert.equal(fs.readFileSync(open, 'utf8'), 'old', 'an open file keeps its content');
    fs.closeSync(open);
    fs.mkdirSync(path.join(folder, 'taken.mjs'));
    assert.throws(() => made(folder, { 'taken.mjs': 'text' }));
    assert.deepEqual(fs.readdirSync(folder).sort(), ['main.mjs', 'taken.mjs']);
  }));

test('a build into another folder runs, and leaves dist as it is', () =>
  inTemporaryFolder(async (folder) => {
    // Beside the checkout's packages, which a bundle loads.
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const out = path.join(folder, 'built');
    const times = () =>
      fs
        .readdirSync(path.join(root, 'dist'))
        .map((name) => fs.statSync(path.join(root, 'dist', name)).mtimeMs);
    const before = times();
    const { status } = spawnSync(process.execPath, [path.join(root, 'scripts/build.mjs'), '--out', out]);
    assert.equal(status, 0);
    assert.deepEqual(times(), before);
    const { code, stdout } = await patchwork(['--version'], { bundle: path.join(out, 'patchwork.mjs') });
    assert.deepEqual(
      [code, stdout],
      [0, `${JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version}\n`],
    );
  }));
