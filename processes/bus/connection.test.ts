import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../engine/weights/testing.ts';
import { connectBus } from './connection.ts';

const posix = { skip: process.platform === 'win32' };

test('files of credentials without an end are refused by name', posix, async () => {
  const pipe = path.join(await temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const file of [pipe, '/dev/zero'])
    for (const what of ['passwordFile', 'credentials', 'authority'])
      await assert.rejects(connectBus({ url: 'nats://me@127.0.0.1:1', [what]: file }, 'test'), {
        name: 'InputError',
        message: `Cannot read ${file}: it is not a regular file.`,
      });
});

test('a password without a user is no login', async () => {
  const options = { url: 'nats://127.0.0.1:1', passwordFile: 'password.txt' };
  await assert.rejects(connectBus(options, 'test'), /has no user .* write nats:\/\/USER@127\.0\.0\.1:1/);
});
