/** The engine on a browser's GPU: here one made of software, whose fused attention is wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { engineFiles } from '../../processes/web/start.ts';
import { bundled, openPage, SOFTWARE_GPU, skipReason, type TestPage, WITHOUT_JSPI } from './server.ts';
import { workIn } from './work.ts';

const skip = skipReason();

/** What is missing in a browser for each build. */
const MISSING = { jspi: '', asyncify: WITHOUT_JSPI };

for (const [runtime, missing] of Object.entries(MISSING) as ['jspi' | 'asyncify', string][])
  describe(`in a browser for the build ${runtime}`, () => {
    let browser: TestPage;

    before(async () => {
      if (!skip) browser = await openPage(`${missing}\n${await bundled('page.ts')}`, { flags: SOFTWARE_GPU });
    });
    after(() => browser?.close());

    test('the build is chosen by what the browser can do', { skip }, async () => {
      const files = await browser.page.evaluate(() => {
        const page = globalThis as unknown as { engineFiles: typeof engineFiles };
        return { gpu: page.engineFiles('webgpu'), cpu: page.engineFiles('cpu') };
      });
      assert.deepEqual(files.gpu, {
        scripts: [`runtime-${runtime}.js`, 'engine.js'],
        binary: `ort-wasm-simd-threaded.${runtime}.wasm`,
      });
      assert.equal(files.cpu.binary, 'ort-wasm-simd-threaded.wasm');
    });

    test('what a GPU computes wrong is found and composed of other operators; results stay there', {
      skip,
    }, async () => {
      const { wrong, error, doubled } = await workIn<{ wrong: string[]; error: number; doubled: number[] }>(
        browser.page,
        'gpu-worker.ts',
        {},
        { runtime, before: missing },
      );
      assert.deepEqual(wrong, ['MultiHeadAttention']);
      assert.ok(error < 1e-4, `${error}`);
      assert.deepEqual(doubled, [12, 16]);
    });
  });
