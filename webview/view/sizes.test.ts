import assert from 'node:assert/strict';
import test from 'node:test';
import { sizeChoices } from './sizes.ts';

test('offers shapes of the size that the model is at home with', () => {
  assert.deepEqual(
    sizeChoices({ width: 512, height: 512 }).map(([value]) => value),
    ['', '512x512', '512x768', '768x512', '1024x512'],
  );
  for (const [value] of sizeChoices({ width: 264, height: 2000 }).slice(1))
    for (const side of value.split('x').map(Number)) assert.equal(side % 8, 0);
  assert.deepEqual(sizeChoices(undefined), [['', 'Default']]);
});
