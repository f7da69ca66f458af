import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startServer } from './server.ts';

/** A server that says `line` at its first start and ends by `end`, and that it listens at the second. */
async function starting(line: string, end = 'process.exit(1)') {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-server-'));
  const entry = path.join(home, 'entry.cjs');
  const begun = JSON.stringify(path.join(home, 'begun'));
  fs.writeFileSync(
    entry,
    `const fs = require('node:fs');
    if (!fs.existsSync(${begun})) {
      fs.writeFileSync(${begun}, '');
      console.log(${JSON.stringify(line)});
      ${end};
      return;
    }
    console.log('HTTP server listening on http://127.0.0.1:1/');
    setInterval(() => {}, 1000);`,
  );
  try {
    const server = await startServer({ node: process.execPath, entry }, { home, extensions: [] });
    await server.stop();
    return server.url;
  } finally {
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

test('a server that gave up on itself, as on a busy machine, is started again', async () => {
  assert.equal(await starting('[2026-01-01] error timed out'), 'http://127.0.0.1:1');
});

test('any other failure is reported with its log', async () => {
  await assert.rejects(starting('error no such option'), /did not start:\nerror no such option/);
});

test(
  'of a server that was killed it is said by what',
  {
    skip: process.platform === 'win32',
  },
  () =>
    assert.rejects(starting('error', "process.kill(process.pid, 'SIGKILL')"), /did not start \(SIGKILL\):/),
);
