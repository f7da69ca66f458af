import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { temporaryFolder } from '../../../weights/testing.ts';
import { hubEnvironment } from './settings.ts';

const names = ['HF_HUB_CACHE', 'HF_HOME', 'XDG_CACHE_HOME', 'HF_TOKEN', 'HF_TOKEN_PATH'];
const saved = names.map((name) => [name, process.env[name]] as const);
const only = (variables: Record<string, string>) => {
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
};
afterEach(() => only(Object.fromEntries(saved.filter(([, value]) => value !== undefined)) as never));

test('a tilde in variables is the home folder, as for the tools in Python', () => {
  const home = (...parts: string[]) => path.join(os.homedir(), ...parts);
  only({ HF_HUB_CACHE: '~/hub' });
  assert.equal(hubEnvironment.cache(), home('hub'));
  only({ HF_HOME: '~/hf' });
  assert.equal(hubEnvironment.cache(), home('hf', 'hub'));
  only({});
  assert.equal(hubEnvironment.cache(), home('.cache', 'huggingface', 'hub'));
});

test('a token is read from a file, and no pipe is waited for', {
  skip: process.platform === 'win32',
}, async () => {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'token');
  await writeFile(file, ' hf_abc\n');
  only({ HF_TOKEN_PATH: file });
  assert.equal(await hubEnvironment.token(), 'hf_abc');
  only({ HF_HOME: folder });
  assert.equal(await hubEnvironment.token(), 'hf_abc');
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const none of [pipe, '/dev/zero', folder, path.join(folder, 'none')]) {
    only({ HF_TOKEN_PATH: none });
    assert.equal(await hubEnvironment.token(), undefined, none);
  }
});
