import type { Worker } from 'playwright-core';
import { until, type Workbench } from './harness.ts';

/** Settings with which VS Code runs Patchwork as a web extension. */
export const AS_WEB_EXTENSION = { 'remote.extensionKind': { 'patchwork.patchwork': ['web'] } };

/** The worker in which VS Code runs web extensions. */
export async function webHost({ page }: Workbench): Promise<Worker> {
  let host: Worker | undefined;
  await until(async () => {
    for (const worker of page.workers()) {
      const name = await worker.evaluate(() => self.name).catch(() => '');
      if (/ExtensionHost/i.test(name)) host = worker;
    }
    return host !== undefined;
  }, 'the worker of the web extensions');
  // tsx wraps named functions in calls of this.
  await host!.evaluate('globalThis.__name = (named) => named');
  return host!;
}

/** The workers of a page in which an engine runs. */
export async function engineWorkers({ page }: Workbench): Promise<Worker[]> {
  const runs = (worker: Worker) => worker.evaluate(() => 'ort' in globalThis).catch(() => false);
  const workers = page.workers();
  const found = await Promise.all(workers.map(runs));
  return workers.filter((_, i) => found[i]);
}
