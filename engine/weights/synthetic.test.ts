import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Weight } from '../graph/values.ts';
import { syntheticWeights } from './synthetic.ts';
import { temporaryFolder } from './testing.ts';

const parameters: Weight[] = [
  { name: 'conv.weight', shape: [64, 32, 3, 3], kind: 'weight' },
  { name: 'conv.bias', shape: [20_000], kind: 'bias' },
  { name: 'norm.weight', shape: [20_000], kind: 'gain' },
  { name: 'large.weight', shape: [1100, 1000], kind: 'weight' },
];

function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

test('values have the deviation that their kind asks for', async () => {
  const source = await syntheticWeights(parameters, {
    seed: 3,
    folder: join(await temporaryFolder(), 'new'),
  });
  const of = async (name: string) => moments(await source.readFloat32(source.find(name)!));
  const close = (a: number, b: number, tolerance: number) =>
    assert.ok(Math.abs(a - b) < tolerance, `${a} ≠ ${b}`);
  const conv = await of('conv.weight');
  close(conv.mean, 0, 0.002);
  close(conv.deviation, 0.8 / Math.sqrt(288), 0.002);
  const bias = await of('conv.bias');
  close(bias.mean, 0, 0.003);
  close(bias.deviation, 0.05, 0.002);
  const gain = await of('norm.weight');
  close(gain.mean, 1, 0.003);
  close(gain.deviation, 0.05, 0.002);
  close((await of('large.weight')).deviation, 0.8 / Math.sqrt(1000), 0.001);
});

test('a file is made once per list and seed; a damaged one is made again', async () => {
  const folder = await temporaryFolder();
  const progress: number[] = [];
  const onProgress = (written: number, total: number) => progress.push(written / total);
  const first = await syntheticWeights(parameters, { seed: 1, folder, onProgress });
  assert.equal(progress.at(-1), 1);
  const { mtimeMs } = await stat(first.file);
  assert.equal((await syntheticWeights(parameters, { seed: 1, folder })).file, first.file);
  assert.equal((await stat(first.file)).mtimeMs, mtimeMs);
  const other = await syntheticWeights(parameters, { seed: 2, folder });
  assert.notEqual(other.file, first.file);
  const bias = async (source: typeof first) => source.readFloat32(source.find('conv.bias')!);
  const kept = await bias(first);
  assert.notDeepEqual(await bias(other), kept);
  await writeFile(first.file, 'damaged');
  assert.deepEqual(await bias(await syntheticWeights(parameters, { seed: 1, folder })), kept);
});

test('a cancelled run leaves nothing', async () => {
  const folder = await temporaryFolder();
  const abort = new AbortController();
  const run = syntheticWeights(parameters, {
    seed: 1,
    folder,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });
  await assert.rejects(run, { name: 'AbortError' });
  assert.deepEqual(await readdir(folder), []);
});
