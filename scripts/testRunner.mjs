// Runs test files in the order given, which `node --test` does not: it sorts them.
//   node [FLAGS] scripts/testRunner.mjs --concurrency N --minutes N FILES
// FLAGS: Node's, for the tests too; --minutes: the most that one test may take
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const { values, positionals: files } = parseArgs({
  options: {
    concurrency: { type: 'string' },
    minutes: { type: 'string' },
  },
  allowPositionals: true,
});

run({ files, concurrency: Number(values.concurrency), timeout: 60_000 * Number(values.minutes) })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(process.stdout.isTTY ? new spec() : tap)
  .pipe(process.stdout);
