import assert from 'node:assert/strict';
import test from 'node:test';
import type { Recipe } from './api.ts';
import { matchesSearch, sortedPictures } from './gallery.ts';

const recipe: Recipe = {
  prompt: 'a red house by a lake',
  negativePrompt: 'people',
  model: 'scenes',
  seed: 7,
  steps: 20,
  guidance: 5,
  width: 256,
  height: 192,
  scheduler: 'dpmpp-2m',
  precision: 'fp32',
};

test('every word of a search must be somewhere in the recipe', () => {
  for (const search of [
    '',
    'house',
    'seed 7',
    '192',
    'RED lake',
    'seed 7',
    '256x192',
    '256×192',
    'dpmpp',
    'scenes people',
  ])
    assert.ok(matchesSearch({ recipe }, search), search);
  for (const search of ['boat', 'red boat', 'seed 8', '25', 'house 6', '512x512'])
    assert.ok(!matchesSearch({ recipe }, search), search);
});

test('sorts by age, prompt, model and size, the newest first among equals', () => {
  const make = (id: string, created: number, change: Partial<Recipe>) => ({
    id,
    created,
    recipe: { ...recipe, ...change },
  });
  const pictures = [
    make('a', 1, { prompt: 'b', width: 512 }),
    make('b', 3, { prompt: 'a' }),
    make('c', 2, { prompt: 'b', model: 'other' }),
  ];
  const ids = (order: Parameters<typeof sortedPictures>[1]) =>
    sortedPictures(pictures, order)
      .map(({ id }) => id)
      .join('');
  assert.equal(ids('newest'), 'bca');
  assert.equal(ids('oldest'), 'acb');
  assert.equal(ids('prompt'), 'bca');
  assert.equal(ids('model'), 'cba');
  assert.equal(ids('largest'), 'abc');
});
