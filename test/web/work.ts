import type { Page } from 'playwright-core';
import { bundled } from './server.ts';

/** What a worker of this folder answers to a message; the runtime's code is added to it. */
export async function workIn<Result>(
  page: Page,
  name: string,
  task: object,
  { gpu = false } = {},
): Promise<Result> {
  const script = await bundled(name, { gpu });
  const runtime = `/dist/web/ort-wasm-simd-threaded${gpu ? '.jspi' : ''}.wasm`;
  const { result, error } = await page.evaluate(
    async ({ script, runtime, task }) => {
      const binary = await (await fetch(runtime)).arrayBuffer();
      const worker = new Worker(URL.createObjectURL(new Blob([script])));
      const answer = new Promise<{ result?: unknown; error?: string }>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage({ ...task, binary });
      });
      return answer.finally(() => worker.terminate());
    },
    { script, runtime, task },
  );
  if (error !== undefined) throw new Error(error);
  return result as Result;
}
