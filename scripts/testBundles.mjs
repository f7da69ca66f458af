// Bundles tests: a process loads the engine, hundreds of modules, in a fifth of the time that it takes from sources.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { publish, removeUnused } from './publish.mjs';

const root = path.dirname(import.meta.dirname);
/** Below the root, for short command lines. */
const OUT = path.join('dist', 'tests');

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
 * Bundles tests, which share what several of them import.
 * @param files paths below the root
 * @returns their bundles, below the root too
 */
export async function bundleTests(files) {
  const begun = new Date();
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: files,
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
