/** What the tests run in a browser's page: the engine behind its client, as the extension uses it. */
import { compiled } from '../../engine/backends/web/code.ts';
import { mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { filesForImages, type PackedIndex, unpackedSizes, unpacking } from '../../engine/host/web/packed.ts';
import { ReadAhead } from '../../engine/host/web/read-ahead.ts';
import { type WebEngineOptions, webEngine } from '../../processes/web/engine.ts';
import { engineFiles, engineScript } from '../../processes/web/start.ts';
import { rememberGpu } from './known-gpu.ts';

const dist = (name: string) => fetch(new URL(`/dist/web/${name}`, location.origin).href);
const bytes = async (name: string) => (await dist(name)).arrayBuffer();
const text = async (name: string) => (await dist(name)).text();
const index = text('models.json').then((json): PackedIndex => JSON.parse(json));

/** A script that a test has put into the page, to run before the engine's in its worker. */
const beforeEngine = () => (globalThis as { beforeEngine?: string }).beforeEngine;
const logs: string[] = [];

const ahead = new ReadAhead(async (place) =>
  unpacking(await index, async (name) => new Uint8Array(await bytes(`models/${name}`)))(place),
);

const options: WebEngineOptions = {
  script: async (id) => [beforeEngine(), await engineScript(id, text)].join('\n'),
  async start(id) {
    const files = engineFiles(id);
    const isThreaded = files.glue && location.hash === '#threads';
    const [code, glue] = await Promise.all([
      compiled(await dist(files.binary)),
      isThreaded ? text(files.glue!) : undefined,
    ]);
    return { code, sizes: unpackedSizes(await index), glue };
  },
  resource: ahead.read,
  readAhead: async (model) => ahead.begin(filesForImages(await index, model)),
  onLog: (line) => logs.push(line),
};

mount('/data', new MemoryStore());

/** The device of the user's choice: what is behind # in the page's address, if it is one. */
const device = location.hash === '#webgpu' ? 'webgpu' : 'auto';
const engine = webEngine(options, () => device);

Object.assign(globalThis, { engine, engineFiles, logs, rememberGpu });
