// Bundling of the scripts that run in a browser, for the build and the tests.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const require = createRequire(import.meta.url);

/** esbuild's options for scripts that contain no Node code. */
export const browserOptions = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  absWorkingDir: root,
  alias: {
    // Its `exports` name the Node build only.
    '@huggingface/hub': path.join(path.dirname(require.resolve('@huggingface/hub')), 'browser/index.mjs'),
    'onnxruntime-web/webgpu': path.join(root, 'engine/backends/web/no-runtime.ts'),
  },
};

/** The same for the engine on a GPU, whose runtime has WebGPU and needs promises in WebAssembly (JSPI). */
export const gpuOptions = {
  ...browserOptions,
  alias: { ...browserOptions.alias, 'onnxruntime-web/wasm': 'onnxruntime-web/jspi' },
};

/**
 * ONNX Runtime's files, copied beside the engine's bundles: its code without WebGPU, what starts threads of it, its code
 * with WebGPU.
 */
export const runtimeFiles = [
  'ort-wasm-simd-threaded.wasm',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.jspi.wasm',
].map((name) => path.join(path.dirname(require.resolve('onnxruntime-web/wasm')), name));

/** The model that the package for the web leaves out, to stay well under 45 MB. */
export const LARGE_ON_THE_WEB = 'scenes-control';

/** The files below a folder and their sizes in bytes, because web servers list nothing. */
export function resourceSizes(folder) {
  const files = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file).replaceAll(path.sep, '/'), fs.statSync(file).size];
    }),
  );
}

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
