import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputError } from './errors.ts';
import { allFinite, requireFinite } from './numbers.ts';

test('one number that is not finite is seen, wherever it is; large ones are not taken for it', () => {
  fc.assert(
    fc.property(
      fc.float32Array({ minLength: 1, maxLength: 99, noNaN: true, noDefaultInfinity: true }),
      fc.nat(),
      fc.constantFrom(Number.NaN, Infinity, -Infinity),
      (values, place, odd) => {
        assert.equal(allFinite(values), true);
        values[place % values.length] = odd;
        assert.equal(allFinite(values), false);
      },
    ),
  );
  assert.equal(allFinite(new Float32Array(100).fill(3.4e38)), true);
  assert.equal(allFinite(new Float64Array(100).fill(-1.7e308)), true);
  assert.equal(allFinite([]), true);
});

test('the error names what is not finite', () => {
  requireFinite(Float32Array.of(1, 2), 'The decoder');
  assert.throws(
    () => requireFinite(Float32Array.of(1, Number.NaN), 'The decoder'),
    (error: Error) =>
      error instanceof InputError && /^The decoder gave numbers that are not finite/.test(error.message),
  );
});
