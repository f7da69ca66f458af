import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidates, type Surroundings } from './candidates.ts';

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
