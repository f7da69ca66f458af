import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Machine } from '../../../shared/benchmark/report.ts';
import { withTinyModel } from '../../../test/support/tiny-model.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { SyntheticModel } from '../../models/synthetic.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import type { Backend } from '../backend.ts';
import { defaultPrecision } from '../default-precision.ts';
import { machineSpeed } from './machine-speed.ts';

const CONFIG = {
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 12,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};

const { PATCHWORK_CACHE } = process.env;
let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
beforeEach(() => {
  process.env.PATCHWORK_CACHE = folder;
});
after(() => {
  if (PATCHWORK_CACHE === undefined) delete process.env.PATCHWORK_CACHE;
  else process.env.PATCHWORK_CACHE = PATCHWORK_CACHE;
});

/** Counts the networks that are loaded to measure. */
function counting(change: { machine?: Machine; memoryBytes?: number } = {}) {
  const counter = { loads: 0 };
  class Counting extends NodeBackend {
    override load(...given: Parameters<NodeBackend['load']>) {
      counter.loads++;
      return super.load(...given);
    }
  }
  const real = new Counting(1);
  const { machine = real.machine, memoryBytes = real.can.memoryBytes } = change;
  const backend = Object.assign(real, { machine, can: { ...real.can, memoryBytes } });
  return { backend, counter };
}

test('measured once, then remembered until the processor changes or the file is damaged', async () => {
  const { backend, counter } = counting();
  const speed = await machineSpeed(backend);
  const loads = counter.loads;
  for (const seconds of Object.values(speed)) assert.ok(seconds > 0);
  assert.deepEqual(await machineSpeed(backend), speed);
  assert.equal(counter.loads, loads, 'remembered');

  const file = join(folder, 'machine.json');
  for (const damaged of ['', '{', '{"version":0}', JSON.stringify({ version: 1, machine: 'x', speed: {} })]) {
    await writeFile(file, damaged);
    const before = counter.loads;
    await machineSpeed(backend);
    assert.equal(counter.loads, before + loads, `measured again after ${damaged}`);
    JSON.parse(await readFile(file, 'utf8'));
  }
  const other = counting({ machine: { ...backend.machine, processor: 'another' } });
  await machineSpeed(other.backend);
  assert.equal(other.counter.loads, loads);
});

test('where the cache folder cannot be written it is still measured', async () => {
  const file = join(folder, 'no-folder');
  await writeFile(file, '');
  process.env.PATCHWORK_CACHE = join(file, 'below');
  assert.ok((await machineSpeed(counting().backend)).int8 > 0);
});

/** Writes what a machine is known to do. */
async function known(backend: Backend, speed: { planar: number; rows: number; int8: number }) {
  const { processor, cores, versions } = backend.machine;
  const machine = [processor, cores, versions.onnxruntime].join(', ');
  await writeFile(join(folder, 'machine.json'), JSON.stringify({ version: 1, machine, speed }));
}

test('the default precision: by size of the model, memory and speed of the machine', () =>
  withTinyModel(CONFIG, async (tiny) => {
    const model = { ...tiny, textRoles: [] };
    const picture = { width: 64, height: 64, batch: 2 };
    const choose = (backend: Backend, small = false) =>
      defaultPrecision(model, { isSmall: async () => small }, picture, backend);
    const { backend, counter } = counting();
    await known(backend, { planar: 2, rows: 3, int8: 1 });
    assert.equal(await choose(backend), 'int8');
    assert.equal(await choose(backend, true), 'fp32', 'a small model generates the same everywhere');
    await known(backend, { planar: 1.1, rows: 3, int8: 1 });
    assert.equal(await choose(backend), 'fp32', 'int8 is hardly faster');
    assert.equal(counter.loads, 0);
    const exact = (most: number) => Object.assign(counting().backend, { largestInt8: async () => most });
    const edit = (some: Backend, merged = false) =>
      defaultPrecision(model, { isSmall: async () => true }, { ...picture, edit: true, merged }, some);
    assert.equal(await edit(exact(127)), 'fp32', 'int8 is hardly faster');
    await known(backend, { planar: 2, rows: 3, int8: 1 });
    assert.equal(await edit(exact(127)), 'int8', 'edits of a small model use it where it is exact');
    assert.equal(await edit(exact(63)), 'fp32', 'sums of bytes saturate');
    assert.equal(await edit(exact(127), true), 'fp32', 'merged weights would be quantized for every change');
    // A network of real size, because blocks of 32 rows make a tiny one no smaller.
    const sd15 = Object.assign(new SyntheticModel('sd15', ''), { textRoles: [] });
    const short = counting({ memoryBytes: 1e6 }).backend;
    assert.equal(await defaultPrecision(sd15, { isSmall: async () => false }, picture, short), 'int4');
  }));
