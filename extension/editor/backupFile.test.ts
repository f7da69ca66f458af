import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const { Uri } = await import('../../test/support/vscode/stub.ts');
const { writeBackup } = await import('./backupFile.ts');

const go = { isCancellationRequested: false } as never;
const bytes = (text: string) => new TextEncoder().encode(text);

test('a backup outlives its successor for a while, but removes no later one of the same name', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'patchwork-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => path.join(folder, 'deep', name);
  const write = (name: string, text: string) =>
    writeBackup(Uri.file(file(name)) as never, bytes(text), go, 50);
  const old = await write('1', 'saved and closed');
  old.delete();
  assert.ok(existsSync(file('1')));
  await write('1', 'opened again');
  const other = await write('2', 'other');
  other.delete();
  // Its timer began last.
  while (existsSync(file('2'))) await sleep(10);
  assert.equal(readFileSync(file('1'), 'utf8'), 'opened again');
});
