import assert from 'node:assert/strict';
import test from 'node:test';
import { formatBytes, formatDuration } from './units.ts';

test('bytes and times for people', () => {
  assert.deepEqual([0, 1234, 99_999, 123_456, 1_290_000_000].map(formatBytes), [
    '0.0 kB',
    '1.2 kB',
    '100.0 kB',
    '0.1 MB',
    '1.29 GB',
  ]);
  assert.deepEqual([0.2, 59, 60, 200, 3900, 7190].map(formatDuration), [
    '1 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '1 h 5 min',
    '2 h 0 min',
  ]);
});
