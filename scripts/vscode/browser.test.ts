import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { withoutBrowser } from './browser.ts';

test('without a browser the end-to-end tests are skipped on a desk and fail in CI', () => {
  const desk = withoutBrowser({});
  assert.equal(desk.code, 0);
  assert.match(desk.sentence, /skipped: no browser\. Install Chromium/);
  const ci = withoutBrowser({ CI: 'true' });
  assert.notEqual(ci.code, 0);
  assert.match(ci.sentence, /failed: no browser\. Install Chromium/);
});

test('a browser that is named and does not exist ends the end-to-end tests', {
  skip: process.platform === 'win32',
}, () => {
  const { status, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, '../e2e.mjs')], {
    env: { ...process.env, CHROMIUM: '/nowhere/chromium' },
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /CHROMIUM is \/nowhere\/chromium, which does not exist/);
});
