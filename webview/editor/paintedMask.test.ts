import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectMargin, withObjectMargins } from '../../shared/margins.ts';
import { blankRaster, type Patch, paste } from '../../shared/raster.ts';
import { PaintedMask } from './paintedMask.ts';

const SIDE = 40;

const changes = fc.record({
  left: fc.nat(SIDE - 8),
  top: fc.nat(SIDE - 8),
  value: fc.constantFrom(0, 100, 255),
  what: fc.constantFrom('mask', 'objects', 'look'),
});

test('what is painted follows the mask and the objects in it, area by area', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 8 }), (list) => {
      const [mask, objects] = [blankRaster(SIDE, SIDE, 1), blankRaster(SIDE, SIDE, 1)];
      const painted = new PaintedMask(mask);
      const check = () => {
        assert.deepEqual(painted.raster.data, withObjectMargins(mask, objects).data);
        assert.equal(painted.margin, objects.data.some(Boolean) ? objectMargin(mask) : 0);
      };
      for (const { left, top, value, what } of list) {
        const patch: Patch = { left, top, width: 8, height: 8, data: new Uint8Array(64).fill(value) };
        if (what === 'look') check();
        else if (what === 'mask') {
          paste(mask, patch);
          painted.changed(patch);
        } else {
          paste(objects, patch);
          painted.select(patch);
        }
      }
      check();
    }),
  );
});
