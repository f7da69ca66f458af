import assert from 'node:assert/strict';
import test from 'node:test';
import { LIMITS } from '../../shared/limits.ts';
import { sizeChoices } from './sizes.ts';

const defaults = { steps: 8, guidance: 3, scheduler: 'ddim' } as const;

test('offers shapes of the size that the model is at home with', () => {
  assert.deepEqual(
    sizeChoices({ defaults: { ...defaults, width: 512, height: 512 }, sizes: LIMITS.size }).map(
      ([value]) => value,
    ),
    ['', '512x512', '512x768', '768x512', '1024x512'],
  );
  for (const multipleOf of [8, 32])
    for (const [value] of sizeChoices({
      defaults: { ...defaults, width: 264, height: 2000 },
      sizes: { ...LIMITS.size, multipleOf },
    }).slice(1))
      for (const side of value.split('x').map(Number)) assert.equal(side % multipleOf, 0);
  assert.deepEqual(sizeChoices(undefined), [['', 'Default']]);
});
