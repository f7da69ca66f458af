import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePicture } from '../../engine/pictures/read.ts';
import { blankRaster, wholeOf } from '../../shared/raster.ts';
import { cutOut } from './cutOut.ts';

test('what is cut out is as large as the mask, and as transparent as mask and picture are', async () => {
  const size = { width: 4, height: 3 };
  const pixels = { ...size, channels: 3, data: Uint8Array.from({ length: 36 }, (_, i) => i) };
  const alpha = new Uint8Array(12).fill(255);
  alpha[5] = 102;
  const mask = blankRaster(4, 3, 1);
  mask.data.set([255, 128], 5);
  mask.data[10] = 255;
  const png = await cutOut({ ...size, pixels: pixels.data, alpha }, pixels, wholeOf(size), mask);
  const result = await decodePicture(png!, 'x');
  assert.deepEqual([result.width, result.height], [2, 2]);
  assert.deepEqual([...result.alpha!], [102, 128, 0, 255]);
  assert.deepEqual([...result.pixels.subarray(0, 6)], [15, 16, 17, 18, 19, 20]);
  assert.equal(
    await cutOut({ ...size, pixels: pixels.data }, pixels, wholeOf(size), blankRaster(4, 3, 1)),
    undefined,
  );
});
