import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { InputError } from '../../../errors.ts';
import { environmentFetch } from './proxy.ts';

const NAMES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);
const saved = NAMES.map((name) => [name, process.env[name]] as const);
const clear = () => {
  for (const name of NAMES) delete process.env[name];
};

let proxy: http.Server;
let asked: string[] = [];
before(async () => {
  clear();
  // Answers for whatever it is asked, as a proxy does for plain addresses, and refuses tunnels.
  proxy = http.createServer((request, response) => {
    asked.push(request.url!);
    response.end('by the proxy');
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`tunnel to ${request.url}`);
    socket.end('HTTP/1.1 502 no\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
});
afterEach(() => {
  clear();
  asked = [];
});
after(() => {
  proxy.close();
  for (const [name, value] of saved) if (value !== undefined) process.env[name] = value;
});

test('a proxy may be written without a scheme, in lower case, or for all', async () => {
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const [name, value] of [
    ['HTTP_PROXY', host],
    ['http_proxy', `http://${host}`],
    ['ALL_PROXY', host],
    ['all_proxy', `http://user:word@${host}/`],
    ['HTTPS_PROXY', `localhost:${host.split(':')[1]}`],
  ] as const) {
    clear();
    asked = [];
    process.env[name] = value;
    const fetch = await environmentFetch();
    await fetch('http://nowhere.invalid/x').catch(() => {});
    await fetch('https://nowhere.invalid/x').catch(() => {});
    assert.ok(asked.length >= 1, name);
    assert.ok(
      asked.some((what) => what.includes('nowhere.invalid:443')),
      `${name}: ${asked}`,
    );
  }
});

test('where a proxy is named for a scheme, one for all that cannot be used does no harm', async () => {
  for (const name of ['HTTPS_PROXY', 'http_proxy']) {
    clear();
    asked = [];
    process.env.all_proxy = 'socks5://127.0.0.1:1080';
    process.env[name] = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const fetch = await environmentFetch();
    await fetch('https://nowhere.invalid/x').catch(() => {});
    assert.deepEqual(asked, ['tunnel to nowhere.invalid:443'], name);
  }
});

test('a proxy is used without a warning of the library', () => {
  const script =
    "const { environmentFetch } = await import('./engine/host/node/hub/proxy.ts'); await environmentFetch();";
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { env: { ...process.env, HTTPS_PROXY: '127.0.0.1:7890' }, encoding: 'utf8' },
  );
  assert.deepEqual([status, stderr], [0, '']);
});

test('without a proxy the platform\u2019s own fetch is used', async () => {
  assert.equal(await environmentFetch(), globalThis.fetch);
  process.env.HTTPS_PROXY = ' ';
  assert.equal(await environmentFetch(), globalThis.fetch);
});

test('a proxy that cannot be used is named, without its password', async () => {
  for (const [value, sentence] of [
    ['socks5://u:s3cret@127.0.0.1:7890', /^ALL_PROXY names a socks5 proxy, which is not supported/],
    ['socks5h://127.0.0.1:7890', /^ALL_PROXY names a socks5h proxy/],
    ['ftp://127.0.0.1', /^ALL_PROXY is not the address of a proxy/],
    ['http://', /^ALL_PROXY is not/],
    ['u:s3cret@:x', /^ALL_PROXY is not/],
    ['http://u:s3cret#a@127.0.0.1:1', /# is written as %23/],
    ['http://u:50%s3cret@127.0.0.1:1', /% as %25/],
    ['"http://127.0.0.1:1"', /^ALL_PROXY is not/],
    ['http://127.0.0.1:1/path', /^ALL_PROXY is not/],
  ] as const) {
    process.env.ALL_PROXY = value;
    await assert.rejects(environmentFetch(), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, sentence);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
});
