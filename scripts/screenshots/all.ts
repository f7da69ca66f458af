// Takes all screenshots of docs/images that need only the code and the embedded models: after a build `npm run screenshots`,
// or those that are named: `npm run screenshots editor edit-loop`.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PICTURES: Readonly<Record<string, readonly string[]>> = {
  view: ['scripts/screenshots/view.ts'],
  editor: ['scripts/screenshots/editor.ts'],
  'edit-loop': ['scripts/screenshots/editLoop.ts'],
  edits: ['studies/edit-strips.ts', 'test/fixtures/photos/coffee.jpg'],
  benchmark: ['scripts/screenshots/benchmark.ts'],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PICTURES));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}; known: ${Object.keys(PICTURES).join(', ')}.`);
  process.exit(2);
}
run('scripts/build.mjs');
for (const [name, script] of Object.entries(PICTURES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(name);
  run('--import', 'tsx', ...script);
}

function run(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
