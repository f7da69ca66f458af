import assert from 'node:assert/strict';
import test from 'node:test';
import { CATALOGUE } from '../../engine/models/catalogue.ts';
import { type ModelRow, modelRows, type Situation } from './items.ts';

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
const sight = { ...scenes, id: 'sight', purpose: 'selection', folder: '/m/sight' } as const;
const machine = { cores: 2, memoryBytes: 16e9 };
const rowsFor = (used: string, change: Partial<Situation> = {}) =>
  modelRows([scenes, sight, turbo], CATALOGUE, { used, machine, ...change });
const labelled = (rows: ModelRow[], label: string) => rows.find((row) => row.label === label);

test('what is here comes first and is not offered again; the active one is marked', () => {
  const rows = rowsFor('');
  assert.equal(rows.filter(({ label }) => label === turbo.id).length, 1);
  const mark = (label: string, used: string) => {
    const row = labelled(rowsFor(used), label);
    return row?.kind === 'installed' && row.used;
  };
  assert.deepEqual([mark('Scenes', ''), mark(turbo.id, '')], [true, false]);
  assert.deepEqual([mark('Scenes', turbo.id), mark(turbo.id, turbo.id)], [false, true]);
  assert.ok(mark(turbo.id, '/c/x'));
});

test('built-in models are explained', () => {
  const rows = rowsFor('');
  for (const label of ['Scenes', 'Scenes selector']) {
    const row = labelled(rows, label);
    assert.match(row?.kind === 'installed' ? row.detail : '', /^Built in\. /);
  }
});

test('one model is recommended, unless it is here', () => {
  const headings = (rows: ModelRow[]) =>
    rows.filter(({ kind }) => kind === 'heading').map(({ label }) => label);
  assert.ok(headings(rowsFor('')).includes('Recommended'));
  const at = rowsFor('').findIndex(({ label }) => label === 'Recommended');
  const row = rowsFor('')[at + 1];
  assert.equal(row?.label, 'SimianLuo/LCM_Dreamshaper_v7');
  const lcm = { ...turbo, id: 'SimianLuo/LCM_Dreamshaper_v7' };
  const rows = modelRows([scenes, lcm], CATALOGUE, { used: '', machine });
  assert.ok(!headings(rows).includes('Recommended'));
});

test('time, size, memory and licence are said, each once', () => {
  const rows = rowsFor(turbo.id, { measured: (id) => (id === turbo.id ? 12 : undefined) });
  const here = labelled(rows, turbo.id);
  assert.equal(here?.kind === 'installed' && here.description, '10 s an image here · 2.58 GB · active');
  const there = labelled(rows, 'nota-ai/bk-sdm-tiny');
  assert.equal(there?.kind === 'entry' && there.description, 'about 2.5 min an image · 1.06 GB download');
  assert.match(
    there?.kind === 'entry' ? there.detail : '',
    /^The smallest Stable Diffusion.*; \d\.\d+ GB of memory; licence creativeml-openrail-m$/,
  );
});

test('every image model says its time before its size, and no row repeats a figure', () => {
  const rows = modelRows([scenes], CATALOGUE, { used: '', machine });
  const entries = rows.filter((row) => row.kind === 'entry');
  assert.equal(entries.length, CATALOGUE.length);
  for (const { label, description, detail, entry } of entries) {
    if (entry.purpose === 'pictures')
      assert.match(description, /^about [\d.]+ (s|min) an image · [\d.]+ [GM]B download$/, label);
    const figures = `${description} ${detail}`.match(/[\d.]+ GB/g) ?? [];
    assert.equal(new Set(figures).size, figures.length, `${label}: ${description}; ${detail}`);
    // A longer description would leave no room for anything else in the row.
    assert.ok(description.length <= 60, description);
  }
});
