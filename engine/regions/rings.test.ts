import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { openModel } from '../models/open.ts';
import { coarser, dilate, type Mask, pyramid } from './mask.ts';
import { ringsOf } from './rings.ts';

test('a small network goes on with its ring at coarser levels, a large one does not', async () => {
  const [scenes, sd15] = [await openModel('scenes-edit'), await openModel('sd15')];
  const rings = (ring: number) => ringsOf(scenes.network('denoiser'), ring);
  assert.deepEqual(
    [rings(0), rings(1), rings(5)],
    [
      [0, 0, 0],
      [1, 1, 1],
      [5, 3, 2],
    ],
  );
  assert.deepEqual(ringsOf(sd15.network('denoiser'), 2), [2, 0, 0, 0]);
});

test('a ring that goes on covers the ring of the level before', () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9 }), fc.nat(), (ring, seed) => {
      const [height, width] = [24, 24];
      const data = new Uint8Array(height * width);
      data[seed % data.length] = 1;
      const rings = [0, 1, 2].map((level) => Math.ceil(ring / 2 ** level));
      const levels: Mask[] = pyramid({ height, width, data }, rings);
      assert.deepEqual(levels[0], dilate({ height, width, data }, ring));
      for (const [level, mask] of levels.slice(1).entries())
        for (const [i, active] of coarser(levels[level]!).data.entries()) assert.ok(mask.data[i]! >= active);
    }),
  ));
