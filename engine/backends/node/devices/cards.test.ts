import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../weights/testing.ts';
import { candidates, type Surroundings } from './candidates.ts';
import { isSoftware, linuxCards, parseControllers, parseDisplays } from './cards.ts';

test('Windows: one controller, several, and none that makes sense', () => {
  const one = { Name: 'Intel(R) Iris(R) Xe Graphics', DriverVersion: '31.0.101.5590' };
  assert.deepEqual(parseControllers(JSON.stringify(one)), [{ name: one.Name, driver: one.DriverVersion }]);
  assert.equal(parseControllers(JSON.stringify([one, { Name: null }, null, one])).length, 2);
  assert.deepEqual(parseControllers('null'), []);
  assert.throws(() => parseControllers('<html>'));
});

test('macOS: the chips of its displays', () => {
  const said = {
    SPDisplaysDataType: [{ sppci_model: 'Apple M2', spdisplays_mtlgpufamilysupport: 'metal3' }, 7],
  };
  assert.deepEqual(parseDisplays(JSON.stringify(said)), [{ name: 'Apple M2', driver: 'metal3' }]);
  assert.deepEqual(parseDisplays('{}'), []);
});

async function write(root: string, files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.join(root, path.dirname(name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
}

test('Linux: cards with a driver of the kernel, and those of NVIDIA', async () => {
  const root = await temporaryFolder();
  assert.deepEqual(await linuxCards(root), []);
  const device = 'sys/class/drm/card0/device';
  await write(root, {
    [`${device}/vendor`]: '0x1002\n',
    [`${device}/device`]: '0x744c\n',
    [`${device}/mem_info_vram_total`]: '25753026560\n',
    'sys/class/drm/card0-DP-1/status': 'connected\n',
    'sys/class/drm/card1/device/vendor': '0x1234\n',
  });
  await symlink('../../../bus/pci/drivers/amdgpu', path.join(root, device, 'driver'));
  const amd = { name: 'AMD 0x744c', driver: 'amdgpu', memoryBytes: 25753026560 };
  assert.deepEqual(await linuxCards(root), [amd]);
  await write(root, {
    'proc/driver/nvidia/version': 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\n',
    'proc/driver/nvidia/gpus/0000:01:00.0/information': 'Model: \t\t NVIDIA GeForce RTX 4070\nIRQ: 1\n',
  });
  assert.deepEqual(await linuxCards(root), [{ name: 'NVIDIA GeForce RTX 4070', driver: '550.54.14' }, amd]);
});

test('what is software by its name', () => {
  for (const name of [
    'Microsoft Basic Render Driver',
    '/usr/lib/chromium/vk_swiftshader_icd.json',
    'lvp_icd.x86_64.json',
  ])
    assert.ok(isSoftware(name), name);
  for (const name of ['NVIDIA GeForce RTX 4070', 'Apple M2', 'AMD 0x744c'])
    assert.ok(!isSoftware(name), name);
});

const nvidia = { name: 'NVIDIA GeForce RTX 4070', driver: '550' };
const around: Surroundings = {
  platform: 'linux',
  architecture: 'x64',
  cards: [nvidia],
  drivers: undefined,
  hasCuda: false,
};
const missing = async (given: Partial<Surroundings>) =>
  Object.fromEntries((await candidates({ ...around, ...given })).map(({ id, missing }) => [id, missing]));

test('which devices a machine has, and why it lacks the others', async () => {
  assert.match((await missing({})).dml!, /Windows only/);
  assert.match((await missing({})).cuda!, /not installed/);
  assert.equal((await missing({})).webgpu, undefined);
  assert.equal((await missing({ hasCuda: true })).cuda, undefined);
  assert.match((await missing({ architecture: 'arm64' })).webgpu!, /no WebGPU for this machine/);
  assert.equal((await missing({ platform: 'win32' })).dml, undefined);
  assert.match((await missing({ platform: 'darwin', architecture: 'arm64' })).cuda!, /Linux only/);
});

test('a GPU is known by its name, its driver and the drivers that the environment prescribes', async () => {
  const webgpu = async (given: Partial<Surroundings>) => (await candidates({ ...around, ...given }))[1]!;
  const usual = await webgpu({});
  assert.equal(usual.name, nvidia.name);
  assert.equal(usual.found, true);
  assert.equal((await webgpu({})).identity, usual.identity);
  assert.notEqual((await webgpu({ cards: [{ ...nvidia, driver: '551' }] })).identity, usual.identity);
  const software = await webgpu({ drivers: '/usr/lib/chromium/vk_swiftshader_icd.json' });
  assert.deepEqual(
    [software.name, software.software, software.found],
    ['SwiftShader on the processor', true, false],
  );
  assert.equal((await webgpu({ cards: [] })).found, false);
});
