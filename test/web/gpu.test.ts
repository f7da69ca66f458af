/** The engine on a browser's GPU: here one made of software, whose fused attention is wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import type { engineFiles } from '../../processes/web/start.ts';
import type { GenerateRequest } from '../../shared/api.ts';
import { similarity } from '../support/similarity.ts';
import { callIn } from './calls.ts';
import { bundled, openPage, SOFTWARE_GPU, skipReason, type TestPage, WITHOUT_JSPI } from './server.ts';
import { workIn } from './work.ts';

const skip = skipReason();

/** A browser's name, which must change nothing. */
const NAMED_SAFARI = named('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605.1.15');

/** What is different in a browser for each build. */
const MISSING = { jspi: NAMED_SAFARI, asyncify: WITHOUT_JSPI };

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
      const { wrong, error, doubled, storages } = await workIn<{
        wrong: string[];
        error: number;
        doubled: number[];
        storages: string[];
      }>(browser.page, 'gpu-worker.ts', {}, { runtime, before: missing });
      assert.deepEqual(wrong, ['MultiHeadAttention']);
      assert.ok(error < 1e-4, `${error}`);
      assert.deepEqual(doubled, [12, 16]);
      assert.deepEqual(storages, ['uint8']);
    });
  });

const SMALL: GenerateRequest = {
  prompt: 'a red house by a lake at sunset',
  seed: 7,
  steps: 1,
  width: 64,
  height: 64,
  precision: 'fp32',
};

/** Loses a worker's GPU while it computes. */
const LOSES_GPU = `{
  const { requestDevice } = GPUAdapter.prototype;
  const { submit } = GPUQueue.prototype;
  let device, left = 5;
  GPUAdapter.prototype.requestDevice = async function (...options) {
    return (device = await requestDevice.apply(this, options));
  };
  GPUQueue.prototype.submit = function (...commands) {
    if (--left === 0) device.destroy();
    return submit.apply(this, commands);
  };
}`;

// One that is not lost: see `test/e2e/web-gpu.e2e.ts`. Compiling its programs takes most of the time here.
test('an image whose GPU is lost meanwhile comes from a fresh worker, and is the desktop’s', {
  skip,
}, async () => {
  const { page, close } = await openPage(await bundled('page.ts'), { flags: SOFTWARE_GPU, hash: 'webgpu' });
  const desktop = createEngine(new NodeBackend());
  try {
    await page.evaluate(() => (globalThis as unknown as { rememberGpu(): Promise<void> }).rememberGpu());
    // For the first worker only.
    await page.evaluate((script) => {
      const scripts = [script];
      Object.defineProperty(globalThis, 'beforeEngine', { get: () => scripts.pop() });
    }, LOSES_GPU);
    let workers = 0;
    page.on('worker', () => workers++);
    const made = await callIn(page, 'generate', SMALL);
    assert.match(made.warnings.join(), /swiftshader.* failed, so this was computed with less of its memory/);
    assert.equal(workers, 2);
    const { picture } = await desktop.generate(SMALL);
    assert.ok((await similarity(made.png, picture.png)) >= 40);
  } finally {
    await desktop.dispose();
    await close();
  }
});

const ABSENT = [
  ['delete Navigator.prototype.gpu;', /this browser has no WebGPU\. Choose auto or cpu/],
  ['GPU.prototype.requestAdapter = async () => null;', /this browser gives no GPU to pages\. Choose auto/],
] as const;

for (const [before, sentence] of ABSENT)
  test(`without a GPU, one that is chosen is refused, and by default there is the processor: ${before}`, {
    skip,
  }, async () => {
    const script = `${before}\n${await bundled('page.ts')}`;
    for (const hash of ['webgpu', '']) {
      const { page, close } = await openPage(script, { flags: SOFTWARE_GPU, hash });
      try {
        const made = callIn(page, 'generate', SMALL);
        if (hash) await assert.rejects(made, sentence);
        else assert.deepEqual((await made).warnings, []);
      } finally {
        await close();
      }
    }
  });

function named(browser: string): string {
  return `Object.defineProperty(navigator, 'userAgent', { value: ${JSON.stringify(browser)} });`;
}
