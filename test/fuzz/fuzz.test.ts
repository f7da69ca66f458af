/** The short run: the same cases every time. `npm run fuzz` continues for as long as requested, with others. */
import test from 'node:test';
import fc from 'fast-check';
import { regressions } from './regressions.ts';
import { targets } from './targets/index.ts';

for (const { name, property, runs = 200 } of targets)
  test(`fuzzed: ${name}`, async () => {
    await fc.assert(property as fc.IAsyncProperty<unknown>, { seed: 1, numRuns: runs });
  });

for (const { file, target, value } of regressions())
  test(`does no harm any more: ${file}`, async () => {
    const { check } = targets.find(({ name }) => name === target)!;
    await check(value as never);
  });
