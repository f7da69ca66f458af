import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

test('V8 knows the option with which everything is collected less often', () => {
  const garbage = pathToFileURL(path.join(import.meta.dirname, 'garbage.ts')).href;
  const script = `(await import(${JSON.stringify(garbage)})).collectSeldom();`;
  const flags = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const { status, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  // For an option that it does not know it writes a line and goes on.
  assert.equal(stderr, '');
  assert.equal(status, 0);
});
