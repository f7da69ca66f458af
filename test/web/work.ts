import fs from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { bundled, ROOT } from './server.ts';

/** What a worker of this folder answers to a message; the runtime's code is added to it, and `before` in front. */
export async function workIn<Result>(
  page: Page,
  name: string,
  task: object,
  { runtime: kind = 'wasm', before = '' }: { runtime?: 'wasm' | 'jspi' | 'asyncify'; before?: string } = {},
): Promise<Result> {
  const own = await fs.readFile(path.join(ROOT, `dist/web/runtime-${kind}.js`), 'utf8');
  const script = `${before}\n${own}\n${await bundled(name)}`;
  const runtime = `/dist/web/ort-wasm-simd-threaded${kind === 'wasm' ? '' : `.${kind}`}.wasm`;
  const { result, error } = await page.evaluate(
    async ({ script, runtime, task }) => {
      const code = await WebAssembly.compile(await (await fetch(runtime)).arrayBuffer());
      const worker = new Worker(URL.createObjectURL(new Blob([script])));
      const answer = new Promise<{ result?: unknown; error?: string }>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage({ ...task, code });
      });
      return answer.finally(() => worker.terminate());
    },
    { script, runtime, task },
  );
  if (error !== undefined) throw new Error(error);
  return result as Result;
}
