import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../../weights/testing.ts';
import { inOrder, isSoftware } from './cards.ts';
import { linuxCards } from './linux.ts';
import { parseDisplays } from './macos.ts';
import { nvidiaMemory, parseMemory } from './nvidia-smi.ts';
import { outputOf } from './output.ts';
import { parseWindows } from './windows.ts';

const GIB = 2 ** 30;

/** Windows' answer for cards with what their drivers have written. */
function windows(controllers: unknown, drivers: unknown = []): string {
  return JSON.stringify({ controllers, drivers });
}

const MEMORY = 'HardwareInformation.qwMemorySize';

test('Windows: one controller, several, and none that makes sense', () => {
  const one = { Name: 'Intel(R) Iris(R) Xe Graphics', DriverVersion: '31.0.101.5590' };
  assert.deepEqual(parseWindows(windows([one])), [{ name: one.Name, driver: one.DriverVersion }]);
  assert.equal(parseWindows(windows([one, { Name: null }, null, 7, one])).length, 2);
  for (const nothing of ['null', '{}', '[]', windows({}), windows(null, 7)])
    assert.deepEqual(parseWindows(nothing), []);
  assert.throws(() => parseWindows('<html>'));
});

test('Windows: memory as the driver of a card has written it, above 4 GB too', () => {
  const card = { Name: 'NVIDIA GeForce RTX 4070 Laptop GPU', DriverVersion: '32.0.15.6094' };
  const driver = { DriverDesc: card.Name, DriverVersion: card.DriverVersion };
  const memoryBy = (...drivers: unknown[]) => parseWindows(windows([card], drivers))[0]!.memoryBytes;
  assert.equal(memoryBy({ ...driver, [MEMORY]: 8585740288 }), 8585740288);
  assert.equal(memoryBy({ ...driver, [MEMORY]: [0, 0, 0, 0, 2, 0, 0, 0] }), 8 * GIB);
  // An older driver's key stays when it is replaced.
  assert.equal(
    memoryBy({ ...driver, DriverVersion: '31', [MEMORY]: 1 }, null, { ...driver, [MEMORY]: 2e9 }),
    2e9,
  );
  for (const unknown of [null, 'much', [1, 2], {}, -1, 0])
    assert.equal(memoryBy({ ...driver, [MEMORY]: unknown }), undefined);
  assert.equal(memoryBy(), undefined);
});

test('what an integrated GPU reports as its own is not all that it may take', () => {
  const memoryOf = (name: string, bytes: number) => {
    const drivers = [{ DriverDesc: name, DriverVersion: '1', [MEMORY]: bytes }];
    return parseWindows(windows([{ Name: name, DriverVersion: '1' }], drivers))[0]!.memoryBytes;
  };
  assert.equal(memoryOf('Intel(R) UHD Graphics 770', 2 * GIB), undefined);
  assert.equal(memoryOf('AMD Radeon(TM) Graphics', GIB / 2), undefined);
  assert.equal(memoryOf('NVIDIA GeForce MX450', 2 * GIB), 2 * GIB);
  assert.equal(memoryOf('AMD Radeon RX 6600', 8 * GIB), 8 * GIB);
});

test('macOS: the chips of its displays, and the part of the memory that they may take', () => {
  const said = {
    SPDisplaysDataType: [
      { sppci_model: 'Apple M2', spdisplays_mtlgpufamilysupport: 'metal3' },
      7,
      { sppci_model: 'AMD Radeon Pro 5500M' },
    ],
  };
  assert.deepEqual(parseDisplays(JSON.stringify(said), 24 * GIB), [
    { name: 'Apple M2', driver: 'metal3', memoryBytes: 16 * GIB },
    { name: 'AMD Radeon Pro 5500M', driver: '' },
  ]);
  assert.deepEqual(parseDisplays('{}', GIB), []);
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
  const nvidia = { name: 'NVIDIA GeForce RTX 4070', driver: '550.54.14' };
  assert.deepEqual(await linuxCards(root, async () => new Map()), [nvidia, amd]);
  const memory = new Map([['0000:01:00.0', 12 * GIB]]);
  assert.deepEqual(await linuxCards(root, async () => memory), [{ ...nvidia, memoryBytes: 12 * GIB }, amd]);
  // What the firmware sets aside for an integrated GPU.
  await write(root, { [`${device}/mem_info_vram_total`]: '536870912\n' });
  assert.deepEqual((await linuxCards(root, async () => memory))[1], { name: 'AMD 0x744c', driver: 'amdgpu' });
});

test('NVIDIA: memory by slot, and what makes no sense', () => {
  const said = '00000000:01:00.0, 12282\n00000000:C1:00.0, 24564\n0000000F:01:00.0, [N/A]\n';
  assert.deepEqual(
    [...parseMemory(said)],
    [
      ['0000:01:00.0', 12282 * 2 ** 20],
      ['0000:c1:00.0', 24564 * 2 ** 20],
    ],
  );
  for (const garbage of [
    '',
    'No devices were found\n',
    '00000000:01:00.0, 0\n',
    '00000000:01:00.0, 99999999999\n',
  ])
    assert.equal(parseMemory(garbage).size, 0, garbage);
});

test('a program that is missing, fails, says too much or hangs tells nothing', async () => {
  const node = (code: string, patience?: number) => outputOf(process.execPath, ['-e', code], patience);
  assert.equal(await node('console.log(1)'), '1\n');
  await assert.rejects(outputOf('/nowhere/nvidia-smi', []), /ENOENT/);
  await assert.rejects(node('process.exit(9)'));
  await assert.rejects(node('process.stdout.write("x".repeat(2e6))'), /maxBuffer/);
  const begin = performance.now();
  await assert.rejects(
    node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6)', 300),
    /not answer/,
  );
  assert.ok(performance.now() - begin < 5000);
  assert.equal((await nvidiaMemory('/nowhere/nvidia-smi')).size, 0);
  // Node takes the query for an option that it does not know.
  assert.equal((await nvidiaMemory(process.execPath)).size, 0);
});

test('the card with the most memory is first, and those whose memory is unknown stay in order', () => {
  const cards = [{ name: 'a' }, { name: 'b' }, { name: 'c', memoryBytes: 1 }, { name: 'd', memoryBytes: 2 }];
  const ordered = inOrder(cards.map((card) => ({ driver: '', ...card })));
  assert.deepEqual(ordered.map(({ name }) => name).join(''), 'dcab');
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
