import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { engineOptions } from './web.mjs';

test('the engine for browsers contains no Node code', async () => {
  const { metafile, outputFiles } = await build({
    ...engineOptions,
    entryPoints: [path.join(import.meta.dirname, '../processes/web/worker.ts')],
    format: 'iife',
    write: false,
    metafile: true,
  });
  const inputs = Object.entries(metafile.inputs);
  // The bundler replaces what a package leaves out for browsers by nothing.
  const native = inputs.filter(([file]) =>
    /^node:|engine\/(host|backends)\/node\/|onnxruntime-node|sharp\//.test(file),
  );
  assert.deepEqual(native, []);
  const outside = inputs.flatMap(([file, { imports }]) =>
    imports
      .filter((one) => one.external && one.kind !== 'dynamic-import' && one.path !== '<runtime>')
      .map((one) => [file, one.path]),
  );
  assert.deepEqual(outside, []);
  assert.doesNotMatch(outputFiles[0]!.text, /require\("(node:|fs|os|path|crypto|child_process)/);
});
