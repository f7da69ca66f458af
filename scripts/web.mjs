// Bundling of the scripts that run in a browser, for the build and the tests.
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const require = createRequire(import.meta.url);

/** esbuild's options for scripts that contain no Node code. */
const browserOptions = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  absWorkingDir: root,
  alias: {
    // Its `exports` name the Node build only.
    '@huggingface/hub': path.join(path.dirname(require.resolve('@huggingface/hub')), 'browser/index.mjs'),
  },
};

/** The engine's script, which finds ONNX Runtime in the global `ort`: one of `runtimes` stands before it. */
export const engineOptions = {
  ...browserOptions,
  plugins: [
    {
      name: 'global-runtime',
      setup(build) {
        build.onResolve({ filter: /^onnxruntime-web\/wasm$/ }, () => ({ path: 'ort', namespace: 'global' }));
        build.onLoad({ filter: /^ort$/, namespace: 'global' }, () => ({ contents: 'module.exports = ort;' }));
      },
    },
  ],
};

/**
 * ONNX Runtime's scripts, by the names that the engine has for them (`Runtime` in processes/web/start.ts): without
 * WebGPU; with WebGPU, where WebAssembly can wait for promises (JSPI); with WebGPU, for other browsers.
 */
const RUNTIMES = { wasm: 'wasm', jspi: 'jspi', asyncify: 'webgpu' };

/** One bundle for each of them. */
export const runtimes = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  absWorkingDir: root,
  globalName: 'ort',
  format: 'iife',
  entryPoints: Object.fromEntries(
    Object.entries(RUNTIMES).map(([name, entry]) => [`web/runtime-${name}`, `onnxruntime-web/${entry}`]),
  ),
};

/** ONNX Runtime's compiled code, copied beside its scripts, and what starts threads of the first. */
export const runtimeFiles = [
  'ort-wasm-simd-threaded.wasm',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.jspi.wasm',
  'ort-wasm-simd-threaded.asyncify.wasm',
].map((name) => path.join(path.dirname(require.resolve('onnxruntime-web/wasm')), name));

const NODE = ['crypto', 'fs', 'fs/promises', 'os', 'timers/promises', 'url', 'v8'];

/** The same for the extension, whose few uses of Node's modules have a counterpart for browsers. */
export const browserExtension = {
  ...browserOptions,
  format: 'cjs',
  external: ['vscode'],
  alias: {
    ...browserOptions.alias,
    'node:path': 'path-browserify',
    ...Object.fromEntries(
      NODE.map((name) => [
        `node:${name}`,
        path.join(root, 'extension/web/node', `${name.replace('/', '-')}.ts`),
      ]),
    ),
  },
};
