import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seriesColour } from './theme.ts';

test('no colour comes twice', () => {
  const series = ['#3794ff', '#cca700', '#b180d7', '#89d185', '#f14c4c', '#cccccc'];
  for (const light of [false, true]) {
    const colours = Array.from({ length: 60 }, (_, i) => seriesColour(i, { series, light }));
    assert.equal(new Set(colours).size, 60);
    assert.deepEqual(colours.slice(0, 6), series);
  }
});
