import assert from 'node:assert/strict';
import test from 'node:test';
import { CATALOGUE } from '../../engine/models/catalogue.ts';
import { expectedMemory, expectedSeconds, recommendedFor, refusalSentences } from './expected.ts';

const GB = 1e9;

test('every image model has a time, and it and its inpainting model one figure of memory', () => {
  for (const entry of CATALOGUE) {
    const draws = entry.purpose === 'pictures';
    assert.equal(expectedSeconds(entry, { cores: 2 }) !== undefined, draws, entry.id);
    assert.equal(expectedMemory(entry) !== undefined, draws || entry.purpose === 'edits', entry.id);
  }
});

test('more cores take less time, up to a point', () => {
  const entry = CATALOGUE.find(({ id }) => id === 'SimianLuo/LCM_Dreamshaper_v7')!;
  const seconds = [1, 2, 4, 8, 64].map((cores) => expectedSeconds(entry, { cores })!);
  assert.ok(seconds[0]! > seconds[1]! && seconds[1]! > seconds[2]! && seconds[2]! > seconds[3]!);
  assert.equal(seconds[3], seconds[4]);
  assert.equal(Math.round(seconds[1]!), 31);
});

test('one model is recommended: more for a large machine, none where none fits', () => {
  const id = (cores: number, memoryBytes: number) => recommendedFor({ cores, memoryBytes })?.id;
  assert.equal(id(2, 16 * GB), 'SimianLuo/LCM_Dreamshaper_v7');
  assert.equal(id(8, 16 * GB), 'SimianLuo/LCM_Dreamshaper_v7');
  assert.equal(id(1, 16 * GB), 'stabilityai/sd-turbo');
  assert.equal(id(8, 1 * GB), undefined);
});

test('what takes more memory than there is says so, with what fits', () => {
  const klein = CATALOGUE.find(({ id }) => id === 'black-forest-labs/FLUX.2-klein-4B')!;
  // What WebAssembly can address: enough in int4.
  assert.deepEqual(refusalSentences(klein, { cores: 8, memoryBytes: 2 ** 32 }), []);
  const small = { cores: 8, memoryBytes: 3.5 * GB };
  const fitting = recommendedFor(small)!;
  assert.deepEqual(refusalSentences(klein, small), [
    `That is too little, so it cannot generate here; ${fitting.id} can.`,
  ]);
  assert.deepEqual(refusalSentences(fitting, small), []);
  assert.match(refusalSentences(klein, { cores: 2, memoryBytes: GB })[0]!, /; Scenes can\.$/);
});
