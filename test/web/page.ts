/** What the tests run in a browser's page: the engine behind its client, as the extension uses it. */
import type { WorkerOptions } from '../../processes/web/client.ts';
import { webEngine } from '../../processes/web/engine.ts';
import { engineFiles } from '../../processes/web/start.ts';

const dist = (name: string) => fetch(new URL(`/dist/web/${name}`, location.origin).href);

const options: WorkerOptions = {
  script: async (id) => (await dist(engineFiles(id).script)).text(),
  async start(id) {
    const files = engineFiles(id);
    const isThreaded = files.glue && location.hash === '#threads';
    const [binary, sizes, glue] = await Promise.all([
      dist(files.binary).then((response) => response.arrayBuffer()),
      dist('models.json').then((response) => response.json()),
      isThreaded ? dist(files.glue!).then((response) => response.text()) : undefined,
    ]);
    return { binary, sizes, glue };
  },
  resource: async (place) =>
    new Uint8Array(
      await (await fetch(new URL(`/media/models/${place}`, location.origin).href)).arrayBuffer(),
    ),
};

const engine = webEngine(options, () => 'auto');

Object.assign(globalThis, { engine });
