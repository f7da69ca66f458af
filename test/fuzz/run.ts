/**
 * The long run: `npm run fuzz -- --minutes 30 [--seed N] [--only TEXT]`. It ends with 1 at the first fault, whose input it
 * has made as small as it can and keeps under `test/fixtures/regressions`, where the short run replays it.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { keepRegression } from './regressions.ts';
import { targets } from './targets/index.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 1);
const chosen = targets.filter(({ name }) => name.includes(values.only ?? ''));
const end = Date.now() + 60_000 * minutes;
let seed = Number(values.seed ?? randomInt(2 ** 31));
const cases = new Map<string, number>();
console.log(`seed ${seed}, ${chosen.length} targets, ${minutes} minutes`);
while (Date.now() < end)
  for (const { name, property } of chosen) {
    const interruptAfterTimeLimit = Math.max(1, Math.min(20_000, end - Date.now()));
    const details = await fc.check(property as fc.IAsyncProperty<unknown>, {
      seed,
      numRuns: 5000,
      interruptAfterTimeLimit,
    });
    cases.set(name, (cases.get(name) ?? 0) + details.numRuns);
    if (details.failed && details.counterexample !== null) {
      const { errorInstance } = details;
      const why = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
      console.error(`${name}, seed ${seed}:\n${why}\n${fc.defaultReportMessage(details)}`);
      console.error(`Kept: ${keepRegression(name, (details.counterexample as unknown[])[0])}`);
      process.exit(1);
    }
    seed = (seed + 1) % 2 ** 31;
  }
for (const [name, count] of cases) console.log(`${String(count).padStart(9)} cases  ${name}`);
