/** What the tests run in a browser's page: the engine behind its client, as the extension uses it. */
import { hasThreads } from '../../engine/host/web/features.ts';
import { engineWorker } from '../../processes/web/client.ts';

const url = (place: string) => new URL(place, location.origin).href;

const engine = engineWorker({
  script: async () => (await fetch(url('/dist/web/engine.js'))).text(),
  async start() {
    const [binary, sizes] = await Promise.all([
      fetch(url('/dist/web/ort-wasm-simd-threaded.wasm')).then((response) => response.arrayBuffer()),
      fetch(url('/dist/web/models.json')).then((response) => response.json()),
    ]);
    const isThreaded = hasThreads() && location.hash === '#threads';
    const glue = isThreaded
      ? await (await fetch(url('/dist/web/ort-wasm-simd-threaded.mjs'))).text()
      : undefined;
    return { binary, glue, sizes };
  },
  resource: async (place) => new Uint8Array(await (await fetch(url(`/media/models/${place}`))).arrayBuffer()),
});

Object.assign(globalThis, { engine });
