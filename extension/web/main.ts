/** The extension in VS Code for the Web: the same as `main.ts`, with the engine in a worker of the browser. */
import { type ExtensionContext, Uri, window, workspace } from 'vscode';
import { hasThreads } from '../../engine/host/web/features.ts';
import { fs, mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { openOpfs } from '../../engine/host/web/opfs-store.ts';
import { ResourceStore } from '../../engine/host/web/resource-store.ts';
import { engineWorker } from '../../processes/web/client.ts';
import { showInformation } from '../messages.ts';
import { featureMegabytes } from '../settings.ts';
import { type Ending, start } from '../start.ts';
import { placeFolder } from '../storedUri.ts';
import { UriStore } from './uriStore.ts';

let ending: Ending | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const file = async (...parts: string[]) =>
    new Uint8Array(await workspace.fs.readFile(Uri.joinPath(context.extensionUri, ...parts)));
  const text = async (...parts: string[]) => new TextDecoder().decode(await file(...parts));
  const sizes: Record<string, number> = JSON.parse(await text('dist/web/models.json'));
  const resource = (place: string) => file('media/models', place);
  mount('/models', new ResourceStore(resource, sizes));
  mount('/data', (await openOpfs('patchwork')) ?? new MemoryStore());
  mount('/storage', new UriStore(context.globalStorageUri));
  placeFolder('/storage', context.globalStorageUri);
  await fs.mkdir('/storage/pictures');
  const log = window.createOutputChannel('Patchwork', { log: true });
  const engine = engineWorker({
    script: () => text('dist/web/engine.js'),
    async start() {
      const megabytes = featureMegabytes((name) => workspace.getConfiguration('patchwork').get(name));
      const { buffer: binary } = await file('dist/web/ort-wasm-simd-threaded.wasm');
      const glue = hasThreads() ? await text('dist/web/ort-wasm-simd-threaded.mjs') : undefined;
      return { binary, glue, sizes, ...(megabytes > 0 && { storeBudget: megabytes * 1e6 }) };
    },
    resource,
    onLog: (line) => log.info(line),
  });
  ending = start(context, {
    log,
    engine,
    hasDisk: false,
    images: '/storage/pictures',
    facts: {
      memory: async () => undefined,
      device: () => `processor, by WebAssembly${hasThreads() ? '' : ' in one thread'}`,
    },
    chooseDevice: () =>
      showInformation('In a browser networks run on the processor: there is nothing to choose.'),
  });
}

export async function deactivate(): Promise<void> {
  await ending?.();
}
