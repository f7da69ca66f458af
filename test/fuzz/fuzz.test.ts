/** The short run: the same cases every time. `npm run fuzz` goes on for as long as it is told, with others. */
import test from 'node:test';
import fc from 'fast-check';
import { targets } from './targets/index.ts';

for (const { name, property } of targets)
  test(`fuzzed: ${name}`, async () => {
    await fc.assert(property as fc.IAsyncProperty<unknown>, { seed: 1, numRuns: 200 });
  });
