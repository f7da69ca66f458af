import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeCheckpoint, writeTinyAutoencoder } from '../../test/support/checkpoints.ts';
import { type Fault, type Hub, type HubRequest, startHub } from '../../test/support/hub.ts';
import { scriptOf } from '../../test/support/script.ts';
import { InputError } from '../errors.ts';
import { cachedRepositories, findSnapshot, RepositoryCache } from './cache.ts';
import { type FetchProgress, fetchModel, modelHere, planFetch } from './fetch-model.ts';
import { isRepositoryId, isRevision } from './repository-id.ts';
import { type HubSettings, hubSettings } from './settings.ts';

const ID = 'nota-ai/bk-sdm-tiny';
const UNET = 'unet/diffusion_pytorch_model.safetensors';

const root = await mkdtemp(path.join(os.tmpdir(), 'patchwork-hub-'));
const published = path.join(root, 'published');
await writeCheckpoint(path.join(published, 'bk'), 'bk-sdm-tiny');
await writeFile(path.join(published, 'bk', 'README.md'), 'x'.repeat(5000));
await writeFile(path.join(published, 'bk', 'unet', 'diffusion_pytorch_model.bin'), 'a pickle');
await writeTinyAutoencoder(path.join(published, 'taesd'));
await cp(path.join(published, 'bk'), path.join(published, 'pickles'), { recursive: true });
await rm(path.join(published, 'pickles', UNET));
// Names that only some systems have.
const hasOddNames = process.platform === 'linux';
if (hasOddNames) {
  await cp(path.join(published, 'taesd'), path.join(published, 'odd'), { recursive: true });
  for (const name of ['a: b.md', 'con.txt', 'x\\y', 'end.', 'a*'])
    await writeFile(path.join(published, 'odd', name), 'x');
  await cp(path.join(published, 'pickles'), path.join(published, 'twins'), { recursive: true });
  const index = { weight_map: { a: 'x.safetensors', b: 'X.safetensors' } };
  await writeFile(path.join(published, 'twins', `${UNET}.index.json`), JSON.stringify(index));
  for (const name of Object.values(index.weight_map))
    await writeFile(path.join(published, 'twins', 'unet', name), name);
}
const denoiserBytes = (await stat(path.join(published, 'bk', UNET))).size;

const hub: Hub = await startHub({
  [ID]: { folder: path.join(published, 'bk'), licence: 'creativeml-openrail-m' },
  'madebyollin/taesd': { folder: path.join(published, 'taesd') },
  'some/pickles': { folder: path.join(published, 'pickles') },
  'some/odd': { folder: path.join(published, 'odd') },
  'some/twins': { folder: path.join(published, 'twins') },
  'some/gated': { folder: path.join(published, 'bk'), token: 'hf_right' },
});
after(async () => {
  await hub.close();
  await rm(root, { recursive: true, force: true });
});

let settings: HubSettings;
beforeEach(async () => {
  hub.fault = () => undefined;
  hub.requests.length = 0;
  const cache = await mkdtemp(path.join(root, 'cache-'));
  settings = await hubSettings({
    endpoint: hub.endpoint,
    cache,
    retryDelay: 10,
    stallTimeout: 300,
    token: '',
  });
});

const get = async (id = ID, options: Parameters<typeof fetchModel>[2] = {}) =>
  fetchModel(settings, await planFetch(settings, { id }, options.signal), options);

async function assertWhole(folder: string, source = 'bk'): Promise<void> {
  for (const file of [UNET, 'vae/config.json', 'tokenizer/merges.txt', 'model_index.json'])
    assert.deepEqual(
      await readFile(path.join(folder, file)),
      await readFile(path.join(published, source, file)),
    );
}

/** A fault for the content of the U-Net's weights, at the request of this number from 0. */
function faultAt(fault: Fault, ...numbers: number[]): void {
  let seen = 0;
  hub.fault = ({ file, path }: HubRequest) => {
    if (file !== UNET || path.includes('/resolve/')) return undefined;
    return numbers.includes(seen++) ? fault : undefined;
  };
}

test('fetches what is needed and no more, into the shared layout', async () => {
  const plan = await planFetch(settings, { id: ID });
  assert.equal(plan.repository.licence, 'creativeml-openrail-m');
  assert.equal(plan.kind, 'diffusers');
  assert.equal(plan.missingBytes, plan.bytes);
  assert.ok(plan.files.every(({ path }) => !/README|\.bin$/.test(path)));
  assert.equal(hub.requests.filter(({ file }) => file).length, 0, 'nothing is fetched by asking');
  const reports: FetchProgress[] = [];
  const folder = await fetchModel(settings, plan, { onProgress: (report) => reports.push(report) });
  await assertWhole(folder);
  const commit = await hub.commit(ID);
  assert.equal(folder, path.join(settings.cache, 'models--nota-ai--bk-sdm-tiny', 'snapshots', commit));
  const refs = path.join(settings.cache, 'models--nota-ai--bk-sdm-tiny', 'refs', 'main');
  assert.equal(await readFile(refs, 'utf8'), commit);
  assert.equal(reports.at(-1)?.bytes, plan.bytes);
  assert.deepEqual(await cachedRepositories(settings.cache), [ID]);
  assert.equal((await planFetch(settings, { id: ID })).missingBytes, 0);
});

test('what is there is used as it is, offline too', async () => {
  const folder = await get();
  hub.requests.length = 0;
  await get();
  assert.equal(hub.requests.filter(({ file }) => file).length, 0);
  const offline = { ...settings, offline: true };
  assert.equal((await findSnapshot(offline.cache, ID))?.folder, folder);
  await assert.rejects(planFetch(offline, { id: 'some/other' }), /HF_HUB_OFFLINE/);
});

test('continues after a cut, unasked, at the byte where it stopped', async () => {
  faultAt({ cut: 10_000 }, 0);
  await assertWhole(await get());
  const ranges = hub.requests.filter(({ file, path }) => file === UNET && !path.includes('/resolve/'));
  assert.equal(ranges.length, 2);
  assert.match(ranges[1]!.range!, /^bytes=[1-9]\d*-$/);
});

test('continues after many cuts, as long as each connection brings something', async () => {
  faultAt({ cut: Math.ceil(denoiserBytes / 9) }, ...Array.from({ length: 8 }, (_, i) => i));
  await assertWhole(await get());
});

/** Each fault breaks one fetch; the next one must succeed. */
const faults: [string, Fault, RegExp][] = [
  [
    'a cut at once, again and again',
    { cut: 0 },
    /Can't reach 127.*Check your connection or proxy \(HTTPS_PROXY\) and try again.*was not downloaded/,
  ],
  ['a wrong hash, twice', { flip: 5000 }, /another hash than the hub tells/],
  ['an answer that is too short', { length: 9000 }, /status 416/],
  [
    'an answer that is too long',
    { length: denoiserBytes + 100 },
    /127\.0\.0\.1:\d+ sent more than the hub says/,
  ],
  ['500', { status: 500 }, /status 500/],
  ['503 with Retry-After', { status: 503, headers: { 'retry-after': '0' } }, /status 503/],
  ['429 that asks for minutes', { status: 429, headers: { 'retry-after': '120' } }, /in 120 seconds/],
  [
    '429 that asks for a date',
    { status: 429, headers: { 'retry-after': new Date(Date.now() + 7.2e6).toUTCString() } },
    /in 7\d\d\d seconds/,
  ],
  ['429 with the limit left', { status: 429, headers: { ratelimit: '"api";r=0;t=95' } }, /in 95 seconds/],
  ['401', { status: 401 }, /not exist .* or it is not public/],
  [
    '403',
    { status: 403, headers: { 'x-error-code': 'GatedRepo' } },
    /terms to be accepted: do so at http:\/\/127\.0\.0\.1:\d+\/nota-ai\/bk-sdm-tiny, then set a token/,
  ],
  ['404', { status: 404 }, /no nota-ai\/bk-sdm-tiny/],
  ['silence', { stall: 0 }, /nothing came for a while/],
];
for (const [name, fault, sentence] of faults)
  test(`${name}: one sentence, nothing corrupt, and the next fetch succeeds`, async () => {
    faultAt(fault, ...Array.from({ length: 40 }, (_, i) => i));
    await assert.rejects(get(), (error) => {
      assert.ok(error instanceof Error, String(error));
      assert.match(error.message, sentence);
      // What may succeed later is no mistake of the user's.
      const later = /Can't reach|status 5|seconds/.test(error.message);
      assert.equal(error instanceof InputError, !later, error.message);
      return true;
    });
    assert.equal(await findSnapshot(settings.cache, ID), undefined, 'half a model is no model');
    hub.fault = () => undefined;
    await assertWhole(await get());
  });

test('what has come before the connection breaks is kept, and that is said', async () => {
  let requests = 0;
  hub.fault = ({ file, path }) =>
    file === UNET && !path.includes('/resolve/') ? { cut: requests++ === 0 ? 10_000 : 0 } : undefined;
  await assert.rejects(get(), /Can't reach 127.*continues where it stopped/);
  hub.fault = () => undefined;
  await assertWhole(await get());
});

test('a redirect loop is reported', async () => {
  hub.fault = ({ file, path }) => (file === UNET ? { redirect: path } : undefined);
  await assert.rejects(get(), /redirect count exceeded/);
  hub.fault = () => undefined;
  await assertWhole(await get());
});

test('a wrong hash once is fetched again', async () => {
  faultAt({ flip: 5000 }, 0);
  await assertWhole(await get());
});

test('a partial file that is not the beginning of the file is found out', async () => {
  const plan = await planFetch(settings, { id: ID });
  const { digest } = plan.files.find(({ path }) => path === UNET)!;
  const partial = new RepositoryCache(settings.cache, ID).partial(digest.hex);
  await mkdir(path.dirname(partial), { recursive: true });
  for (const wrong of [Buffer.alloc(5000, 1), Buffer.alloc(denoiserBytes + 1)]) {
    await writeFile(partial, wrong);
    await assertWhole(await get());
    await new RepositoryCache(settings.cache, ID).remove();
    await mkdir(path.dirname(partial), { recursive: true });
  }
});

test('faults of the questions, too: cut, 500, 429, then an answer', async () => {
  const queue: Fault[] = [{ cut: 10 }, { status: 500 }, { status: 429, headers: { 'retry-after': '0' } }];
  hub.fault = ({ path }) => (path.startsWith('/api/') ? queue.shift() : undefined);
  await assertWhole(await get());
});

for (const [stage, is] of [
  ['what it is', ({ path }) => path.includes('/revision/')],
  ['what it holds', ({ path }) => path.includes('/tree/')],
  ['a small file', ({ file }) => file === 'unet/config.json'],
  ['where a large file lies', ({ file, path }) => file === UNET && path.includes('/resolve/')],
] as [string, (request: HubRequest) => boolean][])
  test(`the connection breaks whenever it is asked for ${stage}: an error says so, and the next fetch succeeds`, async () => {
    hub.fault = (request) => (is(request) ? { cut: 0 } : undefined);
    await assert.rejects(get(), /Can't reach 127.*(continues where it stopped|was not downloaded)/);
    assert.equal(await findSnapshot(settings.cache, ID), undefined);
    hub.fault = () => undefined;
    await assertWhole(await get());
  });

test('a revision that is asked for is the one that counts; a suggested one yields to what is here', async () => {
  const other = '0123456789abcdef0123456789abcdef01234567';
  const folder = await get();
  const find = (wanted: object) => findSnapshot(settings.cache, ID, wanted).then((found) => found?.folder);
  assert.equal(await find({ suggested: other }), folder);
  assert.equal(await find({ revision: other }), undefined);
  assert.equal(await find({ revision: await hub.commit(ID) }), folder);
  assert.equal(await find({ revision: 'main' }), folder);
  await assert.rejects(planFetch(settings, { id: ID, suggested: other }), /no such revision.*@main/);
  const main = { id: ID, revision: 'main' };
  assert.equal(await modelHere(settings, main), undefined, 'a branch may have moved');
  assert.equal(await modelHere({ ...settings, offline: true }, main), folder);
});

test('a file that is damaged on this machine is found out and fetched again', async () => {
  const folder = await get();
  assert.equal(await modelHere(settings, { id: ID }), folder);
  await truncate(path.join(folder, UNET), denoiserBytes - 1000);
  assert.equal(await modelHere(settings, { id: ID }), undefined);
  await assertWhole(await get());
  // One byte of the data, and a config that is cut off.
  const bytes = await readFile(path.join(folder, UNET));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
  const damages: [file: string, content: Uint8Array | string][] = [
    [UNET, bytes],
    ['vae/config.json', (await readFile(path.join(folder, 'vae/config.json'))).subarray(0, 20)],
    ['tokenizer/merges.txt', 'x'],
  ];
  for (const [file, content] of damages) {
    await writeFile(path.join(folder, file), content);
    assert.equal(await modelHere(settings, { id: ID }), undefined, file);
    await assert.rejects(modelHere({ ...settings, offline: true }, { id: ID }), /damaged.*HF_HUB_OFFLINE/);
    hub.requests.length = 0;
    await assertWhole(await get());
    assert.deepEqual([...new Set(hub.requests.flatMap((request) => request.file ?? []))], [file]);
    assert.equal(await modelHere(settings, { id: ID }), folder);
  }
});

test('a cache without links: its files are used, and those that are damaged are replaced', async () => {
  const folder = await get();
  const repository = path.join(settings.cache, 'models--nota-ai--bk-sdm-tiny');
  const copy = `${folder}-copy`;
  await cp(folder, copy, { recursive: true, dereference: true });
  await rm(folder, { recursive: true });
  await rm(path.join(repository, 'blobs'), { recursive: true });
  await rename(copy, folder);
  assert.equal(await modelHere(settings, { id: ID }), folder);
  hub.requests.length = 0;
  assert.equal((await planFetch(settings, { id: ID })).missingBytes, 0);
  await assertWhole(await get());
  assert.equal(hub.requests.filter(({ file }) => file).length, 0);
  await writeFile(path.join(folder, 'vae/config.json'), '{"a":');
  assert.equal(await modelHere(settings, { id: ID }), undefined);
  await assertWhole(await get());
  // Another commit with the same files.
  await rename(folder, path.join(path.dirname(folder), '0123456789abcdef0123456789abcdef01234567'));
  hub.requests.length = 0;
  await assertWhole(await get());
  assert.ok(hub.requests.every(({ file }) => file === undefined || file === 'vae/config.json'));
});

test('what others have left in the shared cache harms nothing else', async () => {
  const folder = await get();
  const snapshots = path.dirname(folder);
  await symlink('/nowhere/at/all', path.join(snapshots, 'dangling'));
  await symlink('/nowhere/at/all', path.join(folder, 'dangling.json'));
  await symlink('.', path.join(snapshots, 'round'));
  await writeFile(path.join(snapshots, '.DS_Store'), 'x');
  await mkdir(path.join(snapshots, 'empty'));
  await writeFile(path.join(settings.cache, 'models--a--b'), 'a file');
  await mkdir(path.join(settings.cache, 'models--c--d', 'snapshots', 'x', 'model_index.json'), {
    recursive: true,
  });
  await symlink('/nowhere', path.join(settings.cache, 'models--e--f'));
  assert.equal((await findSnapshot(settings.cache, ID))?.folder, folder);
  assert.equal(await modelHere(settings, { id: ID }), folder);
  for (const id of ['a/b', 'c/d', 'e/f']) assert.equal(await findSnapshot(settings.cache, id), undefined);
  await new RepositoryCache(settings.cache, ID).remove(['vae/config.json']);
});

test('a token opens a gated model and is sent to no one else', async () => {
  await assert.rejects(planFetch(settings, { id: 'some/gated' }), /not public/);
  await assert.rejects(planFetch({ ...settings, token: 'hf_wrong' }, { id: 'some/gated' }), /terms/);
  settings = { ...settings, token: 'hf_right' };
  await assertWhole(await get('some/gated'));
  const storage = hub.requests.filter(({ path }) => path.startsWith('/some/gated/unet/diffusion'));
  assert.ok(storage.length > 0);
  assert.ok(storage.every(({ authorization }) => authorization === undefined));
});

test('pickles are refused with the reason, unknown layouts too', async () => {
  await assert.rejects(planFetch(settings, { id: 'some/pickles' }), /a pickle, which can run any code/);
  await assert.rejects(planFetch(settings, { id: 'no/such' }), /does not exist at/);
  await assert.rejects(planFetch(settings, { id: '../etc' }), /not a model's name/);
});

test('a name that is none on some system harms no other; two that are one file are refused', {
  skip: !hasOddNames,
}, async () => {
  const folder = await get('some/odd');
  assert.deepEqual((await readdir(folder)).sort(), ['config.json', 'diffusion_pytorch_model.safetensors']);
  await assert.rejects(
    get('some/twins'),
    /unet\/x\.safetensors and unet\/X\.safetensors, which are one file/,
  );
});

test('names of repositories and revisions stand for one folder on every system', () => {
  for (const id of ['owner/name', 'o/a.b-c_d', 'stabilityai/sd-turbo']) assert.ok(isRepositoryId(id), id);
  for (const id of [
    'a--b/c',
    'a/b--c',
    'o/name.',
    'o./n',
    'o/a..b',
    'o/n:x',
    'o\\n',
    'C:/n',
    '../n',
    'o/n/x',
  ])
    assert.ok(!isRepositoryId(id), id);
  for (const name of ['main', 'refs/pr/1', 'v1.0']) assert.ok(isRevision(name), name);
  for (const name of ['..', 'a/../b', 'v1.', 'a./b', 'con', 'x/NUL.txt', 'a:b', 'a\\b', '/a', 'a//b', 'a/'])
    assert.ok(!isRevision(name), name);
});

test('an autoencoder by itself', async () => {
  const folder = await get('madebyollin/taesd');
  assert.deepEqual((await readdir(folder)).sort(), ['config.json', 'diffusion_pytorch_model.safetensors']);
});

test('cancelling keeps what has come', async () => {
  const controller = new AbortController();
  hub.fault = ({ file, path }) => (file === UNET && !path.includes('/resolve/') ? { slow: 5000 } : undefined);
  const fetching = get(ID, {
    signal: controller.signal,
    onProgress: ({ file, bytes }) => {
      if (file === UNET && bytes > 5000) controller.abort();
    },
  });
  await assert.rejects(fetching, { name: 'AbortError' });
  const plan = await planFetch(settings, { id: ID });
  assert.ok(plan.missingBytes < plan.bytes, `${plan.missingBytes} of ${plan.bytes}`);
  hub.fault = () => undefined;
  await assertWhole(await get());
});

test('a full disk is reported before anything is fetched', async () => {
  const plan = await planFetch(settings, { id: ID });
  await assert.rejects(fetchModel(settings, { ...plan, freeBytes: 1000 }), /kB free, and .* are needed/);
  assert.equal(hub.requests.filter(({ file }) => file).length, 0);
});

/** Fetches in a process of its own; `limit` bounds the size of the files it may write, in KiB. */
function fetchElsewhere(limit?: number, env: Record<string, string> = {}) {
  const { script, execArgv } = scriptOf(path.join(import.meta.dirname, 'testing', 'fetch.ts'));
  const command = `${limit ? `ulimit -f ${limit};` : ''} exec "${process.execPath}" ${execArgv.join(' ')} "${script}"`;
  const child = spawn('bash', ['-c', command], {
    env: { ...process.env, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: settings.cache, FETCH: ID, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output)));
  return { child, ended };
}

const posix = { skip: process.platform === 'win32' && 'needs bash' };

test('a file that does not fit on the disk is reported, and fetched later', posix, async () => {
  assert.match(await fetchElsewhere(64).ended, /Cannot write .*blobs.*(EFBIG|too large)/);
  assert.equal(await findSnapshot(settings.cache, ID), undefined);
  await assertWhole(await get());
});

test('two processes that want the same model fetch it once', posix, async () => {
  hub.fault = ({ file, path }) =>
    file === UNET && !path.includes('/resolve/') ? { slow: 20_000 } : undefined;
  const [first, second] = await Promise.all([fetchElsewhere().ended, fetchElsewhere().ended]);
  assert.match(first, /snapshots/);
  assert.equal(first, second);
  await assertWhole(first.trim());
  const served = hub.requests.filter(({ file, path }) => file === UNET && !path.includes('/resolve/'));
  assert.equal(served.length, 1);
});

test('a proxy that the environment names is used', posix, async () => {
  const reached: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, socket) => {
    reached.push(request.url!);
    const [host, port] = request.url!.split(':');
    const target = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  await assertWhole(
    (await fetchElsewhere(undefined, { HTTP_PROXY: `http://127.0.0.1:${port}` }).ended).trim(),
  );
  assert.ok(reached.includes(new URL(hub.endpoint).host), reached.join());
  proxy.closeAllConnections();
  proxy.close();
});

test('a kill in the middle: the next fetch takes over and continues', posix, async () => {
  hub.fault = ({ file, path }) => (file === UNET && !path.includes('/resolve/') ? { slow: 5000 } : undefined);
  const { child, ended } = fetchElsewhere();
  while (!hub.requests.some(({ file, path }) => file === UNET && !path.includes('/resolve/')))
    await sleep(20);
  await sleep(400);
  child.kill('SIGKILL');
  await ended;
  assert.equal(await findSnapshot(settings.cache, ID), undefined);
  hub.fault = () => undefined;
  hub.requests.length = 0;
  await assertWhole(await get());
  const [served] = hub.requests.filter(({ file, path }) => file === UNET && !path.includes('/resolve/'));
  assert.match(served!.range ?? '', /^bytes=[1-9]/);
});

test('removing takes the model and leaves the others', async () => {
  await get();
  await get('madebyollin/taesd');
  await new RepositoryCache(settings.cache, ID).remove();
  assert.deepEqual(await cachedRepositories(settings.cache), ['madebyollin/taesd']);
  const one = new RepositoryCache(settings.cache, 'madebyollin/taesd');
  await one.remove(['config.json']);
  assert.equal((await readdir(path.join(one.folder, 'blobs'))).length, 1);
});
