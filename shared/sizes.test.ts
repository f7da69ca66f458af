import assert from 'node:assert/strict';
import test from 'node:test';
import { parseSize } from './sizes.ts';

test('sizes as they are typed', () => {
  for (const text of ['512x768', ' 512 X 768 ', '512×768'])
    assert.deepEqual(parseSize(text), { width: 512, height: 768 }, text);
  for (const text of ['', '512', '512x', 'x768', '512x768x3', '-512x768', '51.2x768', '512x1234567'])
    assert.equal(parseSize(text), undefined, text);
});
