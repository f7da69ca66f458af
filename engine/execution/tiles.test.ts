import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeInTiles, placesOf, TILE } from './tiles.ts';

test('tiles cover every position, and neighbours share some', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), (length) => {
      const places = placesOf(length);
      assert.equal(places[0], 0);
      assert.ok(length <= TILE || places.at(-1) === length - TILE);
      for (const [i, place] of places.entries()) {
        const before = places[i - 1];
        if (before !== undefined) assert.ok(place > before && before + TILE - place >= 16, String(places));
      }
    }),
  );
});

test('a decoder without a view beyond its position gives the same in tiles', async () => {
  const [height, width] = [100, 150];
  const latent = Float32Array.from({ length: 4 * height * width }, (_, i) => Math.sin(i));
  // Each position becomes 2×2 pixels of its first three channels.
  const decode = async (part: Float32Array, [, h, w]: readonly [number, number, number]) => {
    const image = new Float32Array(3 * 2 * h * 2 * w);
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < 2 * h; y++)
        for (let x = 0; x < 2 * w; x++)
          image[(c * 2 * h + y) * 2 * w + x] = part[(c * h + (y >> 1)) * w + (x >> 1)]!;
    return image;
  };
  const whole = await decode(latent, [4, height, width]);
  const tiled = await decodeInTiles(latent, [4, height, width], 2, decode);
  for (const [i, value] of whole.entries()) assert.ok(Math.abs(value - tiled[i]!) < 1e-6, String(i));
});

test('at the edge of a tile the image changes slowly', async () => {
  let tile = 0;
  // Each tile has a brightness of its own: the worst case.
  const decode = async (_: Float32Array, [, h, w]: readonly [number, number, number]) =>
    new Float32Array(3 * 8 * h * 8 * w).fill(tile++ % 2);
  const width = 120;
  const image = await decodeInTiles(new Float32Array(4 * 8 * width), [4, 8, width], 8, decode);
  const row = image.subarray(0, 8 * width);
  for (let x = 1; x < row.length; x++) assert.ok(Math.abs(row[x]! - row[x - 1]!) < 0.2, String(x));
});
