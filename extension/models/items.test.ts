import assert from 'node:assert/strict';
import test from 'node:test';
import { CATALOGUE } from '../../engine/models/catalogue.ts';
import { type ModelRow, modelRows } from './items.ts';

const scenes = {
  id: 'scenes',
  purpose: 'pictures',
  folder: '/m/scenes',
  bytes: 14e6,
  removable: false,
} as const;
const turbo = {
  id: 'stabilityai/sd-turbo',
  purpose: 'pictures',
  folder: '/c/x',
  bytes: 2.58e9,
  removable: true,
} as const;
const labelled = (rows: ModelRow[], label: string) => rows.find((row) => row.label === label);

test('what is here comes first and is not offered again; the one in use is marked', () => {
  const rows = modelRows([scenes, turbo], CATALOGUE, '');
  assert.equal(rows.filter(({ label }) => label === turbo.id).length, 1);
  const mark = (label: string, used: string) => {
    const row = labelled(modelRows([scenes, turbo], CATALOGUE, used), label);
    return row?.kind === 'installed' && row.used;
  };
  assert.deepEqual([mark('scenes', ''), mark(turbo.id, '')], [true, false]);
  assert.deepEqual([mark('scenes', turbo.id), mark(turbo.id, turbo.id)], [false, true]);
  assert.ok(mark(turbo.id, '/c/x'));
});

test('size, purpose and licence are said', () => {
  const rows = modelRows([scenes, turbo], CATALOGUE, turbo.id);
  const here = labelled(rows, turbo.id);
  assert.equal(here?.kind === 'installed' && here.description, 'Image model, 2.58 GB, in use');
  const there = labelled(rows, 'nota-ai/bk-sdm-tiny');
  assert.equal(
    there?.kind === 'entry' && there.description,
    'Image model, about 1.06 GB, licence creativeml-openrail-m',
  );
  assert.match(
    there?.kind === 'entry' ? there.detail : '',
    /^Takes about .* in fp32, .* in int8, .* in int4\. The smallest/,
  );
});
