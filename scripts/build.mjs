// Bundles everything that runs into dist/: the extension host, the engine process, the command line, the pages.
//   node scripts/build.mjs [--watch] [--out FOLDER] [--extension | --web]
// --extension: only what the desktop's extension needs; --web: only what the web extension needs
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, context } from 'esbuild';
import { publish, removeUnused } from './publish.mjs';
import { browserExtension, engineOptions, runtimeFiles, runtimes } from './web.mjs';
import { packedModels } from './webModels.mjs';

const root = path.dirname(import.meta.dirname);
const { watch, out, extension, web } = parseArgs({
  options: {
    watch: { type: 'boolean' },
    out: { type: 'string' },
    extension: { type: 'boolean' },
    web: { type: 'boolean' },
  },
}).values;
const outdir = path.resolve(out ?? path.join(root, 'dist'));

const publishing = {
  name: 'publish',
  setup({ onStart, onEnd }) {
    let begun = new Date();
    onStart(() => {
      begun = new Date();
    });
    onEnd(({ errors, outputFiles }) => {
      if (errors.length === 0) publish(outputFiles, begun);
    });
  },
};
const common = {
  bundle: true,
  sourcemap: true,
  target: 'es2022',
  logLevel: 'warning',
  absWorkingDir: root,
  outdir,
  // Written by `publish`, so that running processes still find their files.
  write: false,
  plugins: [publishing],
};
// Native packages are loaded from node_modules; everything else is bundled.
const node = { ...common, platform: 'node', external: ['onnxruntime-node', 'sharp', 'vscode'] };
// ESM bundles that contain CommonJS dependencies need a `require`.
const esmRequire =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const desktop = [
  {
    ...node,
    entryPoints: {
      ...(!extension && { patchwork: 'cli/main.ts' }),
      engine: 'processes/engine/process.ts',
      worker: 'processes/workers/process.ts',
      device: 'processes/devices/process.ts',
    },
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: esmRequire },
    // Code that only some commands need is loaded on demand.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  },
  {
    ...node,
    entryPoints: { extension: 'extension/main.ts' },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    // CommonJS has no `import.meta`, which the engine needs to find the embedded model.
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  },
];

const pages = [
  {
    ...common,
    platform: 'browser',
    minify: true,
    entryPoints: {
      view: 'webview/view/main.ts',
      gallery: 'webview/gallery/main.ts',
      editor: 'webview/editor/main.ts',
      benchmark: 'webview/benchmark/main.ts',
    },
    format: 'esm',
  },
  {
    ...common,
    // Copies: pages link the icons' stylesheet by itself, and the elements library finds it by its address.
    entryPoints: [
      'webview/view/view.css',
      'webview/gallery/gallery.css',
      'webview/benchmark/benchmark.css',
      'webview/editor/editor.css',
      'node_modules/@vscode/codicons/dist/codicon.css',
    ],
    entryNames: '[name]',
    assetNames: '[name]',
    loader: { '.ttf': 'file' },
  },
];

const browser = [
  {
    ...common,
    ...engineOptions,
    plugins: [...engineOptions.plugins, publishing],
    minify: true,
    format: 'iife',
    entryPoints: { 'web/engine': 'processes/web/worker.ts' },
  },
  { ...common, ...runtimes, minify: true, sourcemap: false },
  {
    ...common,
    ...browserExtension,
    minify: true,
    entryPoints: { 'web/extension': 'extension/web/main.ts' },
    // In a package of type `module` a `.js` file would count as ESM, which web hosts do not load.
    outExtension: { '.js': '.cjs' },
  },
];

const bundles = [...(web ? [] : desktop), ...pages, ...(extension ? [] : browser)];
for (const options of bundles) {
  if (watch) await (await context(options)).watch();
  else await build(options);
}
if (!extension) {
  const inFolder = (folder, files) =>
    files.map(([name, contents]) => ({ path: path.join(outdir, 'web', folder, name), contents }));
  const { index, files } = packedModels(path.join(root, 'media/models'));
  const copies = [
    ...inFolder(
      '',
      runtimeFiles.map((file) => [path.basename(file), fs.readFileSync(file)]),
    ),
    ...inFolder('models', Object.entries(files)),
    ...inFolder('', [['models.json', Buffer.from(JSON.stringify(index))]]),
  ];
  publish(copies, new Date());
}
removeUnused(path.join(outdir, 'chunks'));
