/**
 * The long run: `npm run fuzz -- --minutes 30 [--seed N] [--only TEXT]`, or `--cases 10000` for that many inputs of each
 * target. It ends with 1 at the first fault, whose input it
 * has made as small as it can and keeps under `test/fixtures/regressions`, where the short run replays it.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { keepRegression } from './regressions.ts';
import { targets } from './targets/index.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    cases: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const most = Number(values.cases ?? Number.POSITIVE_INFINITY);
const minutes = Number(values.minutes ?? (values.cases ? 1440 : 1));
const chosen = targets.filter(({ name }) => name.includes(values.only ?? ''));
const end = Date.now() + 60_000 * minutes;
let seed = Number(values.seed ?? randomInt(2 ** 31));
const cases = new Map<string, number>();
const isOpen = (name: string) => Date.now() < end && (cases.get(name) ?? 0) < most;
const amount = values.cases ? `${most} cases each` : `${minutes} minutes`;
console.log(`seed ${seed}, ${chosen.length} targets, ${amount}`);
while (chosen.some(({ name }) => isOpen(name)))
  for (const { name, property } of chosen.filter(({ name }) => isOpen(name))) {
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
