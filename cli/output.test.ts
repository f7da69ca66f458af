import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { scriptOf } from '../test/support/script.ts';

/** Runs the command from its sources. */
function patchwork(...args: string[]) {
  const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'main.ts'));
  return spawnSync(process.execPath, [...execArgv, script, ...args], { encoding: 'utf8' });
}

test('what a model says of itself does not reach the terminal as it is', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'patchwork-'));
  try {
    mkdirSync(path.join(folder, 'unet'));
    const evil = `\u001b]0;owned\u0007\u009b2J${'x'.repeat(100_000)}`;
    for (const file of ['model_index.json', 'unet/config.json'])
      writeFileSync(path.join(folder, file), JSON.stringify({ _class_name: evil }));
    for (const args of [
      ['verify', folder],
      ['macs', folder, '--size', '512x512'],
      ['verify', `${folder}/${'\u001b[2J'.repeat(3)}`],
    ]) {
      const { status, stdout, stderr } = patchwork(...args);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /(?!\n)\p{Cc}/u);
      assert.ok(stderr.length < 3000, `${stderr.length}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('bad usage is quoted without control characters too', () => {
  const { status, stderr } = patchwork('generate', 'x', '--nothing\u001b[2J');
  assert.equal(status, 2);
  assert.doesNotMatch(stderr, /(?!\n)\p{Cc}/u);
});
