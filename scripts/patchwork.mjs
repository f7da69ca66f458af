#!/usr/bin/env -S node --single-threaded-gc
// Runs the `patchwork` command of a checkout, building it first where sources are newer than the bundle.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bundle = path.join(root, 'dist', 'patchwork.mjs');
const sources = [
  'agents',
  'engine',
  'processes',
  'shared',
  'cli',
  'package.json',
  'scripts/build.mjs',
  'scripts/publish.mjs',
];

// npm runs scripts in the checkout; paths are relative to where it was called.
if (process.env.npm_lifecycle_event === 'patchwork' && process.env.INIT_CWD)
  process.chdir(process.env.INIT_CWD);

/** The time of the latest change below a file or folder. */
function newest(place) {
  const { mtimeMs } = statSync(place);
  if (!statSync(place).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(place).map((name) => newest(path.join(place, name))));
}

const built = existsSync(bundle) ? statSync(bundle).mtimeMs : 0;
if (sources.some((source) => newest(path.join(root, source)) > built)) {
  const build = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (build.status !== 0) process.exit(1);
}
process.argv.splice(1, 1, bundle);
await import(pathToFileURL(bundle).href);
