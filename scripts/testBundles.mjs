// Bundles tests: a process loads the engine, hundreds of modules, in a fifth of the time that it takes from sources.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { publish, removeUnused } from './publish.mjs';

const root = path.dirname(import.meta.dirname);
/** Below the root, for short command lines. */
const OUT = path.join('dist', 'tests');

/** Scripts that tests start in processes of their own, by `scriptOf` of `test/support/script.ts`. */
export const STARTED = [
  'cli/main.ts',
  'engine/hub/testing/fetch.ts',
  'examples/edit.ts',
  'processes/devices/testing/fake-device.ts',
  'processes/devices/testing/fake-engine.ts',
  'processes/engine/process.ts',
  'processes/engine/testing/fake-process.ts',
  'processes/workers/testing/abandon.ts',
  ...studies(),
  'studies/support/help.ts',
  'test/faults/disk-writers.ts',
  'test/parity/gpu-edits.ts',
  'test/parity/gpu-encoder.ts',
  'test/parity/gpu-scenes.ts',
  'test/parity/gpu-transformers.ts',
  'test/parity/gpu-verify.ts',
  'test/parity/placements.ts',
];

function studies() {
  const names = fs.readdirSync(path.join(root, 'studies'));
  const isStudy = (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'frame.ts';
  return names.filter(isStudy).map((name) => path.join('studies', name));
}

/** `import.meta.dirname` stays the folder of the source, where tests have their fixtures. */
const sourceFolders = {
  name: 'source-folders',
  setup({ onLoad }) {
    onLoad({ filter: /\.(ts|mjs)$/ }, ({ path: file }) => {
      if (file.includes(`${path.sep}node_modules${path.sep}`)) return;
      const folder = JSON.stringify(path.dirname(file));
      const contents = fs.readFileSync(file, 'utf8').replaceAll('import.meta.dirname', () => folder);
      return { contents, loader: file.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

/**
 * Bundles tests and the scripts that they start, which share what several of them import.
 * @param files tests, below the root
 * @param scripts what they start, below the root
 * @returns the bundles of the tests, below the root too
 */
export async function bundleTests(files, scripts = []) {
  const begun = new Date();
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [...files, ...scripts],
    outbase: root,
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    alias: { vscode: './test/support/vscode/stub.ts' },
    // What the product finds by this it finds beside its own bundles.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(root, 'dist/tests.mjs')).href) },
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    write: false,
    plugins: [sourceFolders],
  });
  publish(outputFiles, begun);
  removeUnused(path.join(root, OUT, 'chunks'));
  return files.map((file) => path.join(OUT, file.replace(/\.ts$/, '.mjs')));
}
