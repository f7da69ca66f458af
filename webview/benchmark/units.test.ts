import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesUnit, macsUnit } from './units.ts';

test('a chart and its table have one unit, that of the largest figure', () => {
  const memory = [412e6, 1.5e9];
  assert.deepEqual(
    [bytesUnit(memory).name, ...memory.map(bytesUnit(memory).format)],
    ['GB', '0.41 GB', '1.50 GB'],
  );
  const small = [64.04e6, 412e6];
  assert.deepEqual(
    [bytesUnit(small).name, ...small.map(bytesUnit(small).format)],
    ['MB', '64.0 MB', '412.0 MB'],
  );
  assert.equal(macsUnit([1.5e9, 3e6]).format(3e6), '0.0 GMACs');
  assert.equal(macsUnit([500e6]).format(500e6), '500.0 MMACs');
  assert.equal(bytesUnit([0]).format(0), '0.0 MB');
});
