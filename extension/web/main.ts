/** The extension in VS Code for the Web: the same as `main.ts`, with the engine in a worker of the browser. */
import { type ExtensionContext, Uri, window, workspace } from 'vscode';
import { hasThreads } from '../../engine/backends/web/features.ts';
import { fs, mount } from '../../engine/host/web/fs.ts';
import { MemoryStore } from '../../engine/host/web/memory-store.ts';
import { openOpfs } from '../../engine/host/web/opfs-store.ts';
import { filesForImages, type PackedIndex, unpackedSizes, unpacking } from '../../engine/host/web/packed.ts';
import { ReadAhead } from '../../engine/host/web/read-ahead.ts';
import { ResourceStore } from '../../engine/host/web/resource-store.ts';
import { listWebDevices } from '../../processes/web/devices.ts';
import { type WebEngineOptions, webEngine } from '../../processes/web/engine.ts';
import { engineFiles, engineScript } from '../../processes/web/start.ts';
import { chooseDevice } from '../devices/choose.ts';
import type { SettingName } from '../settingEntries.ts';
import { deviceSetting, featureMegabytes } from '../settings.ts';
import { type Ending, start } from '../start.ts';
import { placeFolder } from '../storedUri.ts';
import { mountFolder } from './mountFolder.ts';
import { ownCode, ownFile } from './ownFile.ts';
import { UriStore } from './uriStore.ts';

/** Multiply–accumulates in a second of Scenes in one thread; docs/measurements.md has the images' times. */
const WASM_SPEED = 8e9;

let ending: Ending | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const file = (...parts: string[]) => ownFile(Uri.joinPath(context.extensionUri, ...parts));
  const text = async (...parts: string[]) => new TextDecoder().decode(await file(...parts));
  const index: PackedIndex = JSON.parse(await text('dist/web/models.json'));
  const resource = unpacking(index, (place) => file('dist/web/models', place));
  const ahead = new ReadAhead(resource);
  const sizes = unpackedSizes(index);
  mount('/models', new ResourceStore(resource, sizes));
  mount('/data', (await openOpfs('patchwork')) ?? new MemoryStore());
  mount('/storage', new UriStore(context.globalStorageUri));
  placeFolder('/storage', context.globalStorageUri);
  await fs.mkdir('/storage/pictures');
  const log = window.createOutputChannel('Patchwork', { log: true });
  const setting = (name: SettingName) => workspace.getConfiguration('patchwork').get(name);
  const worker: WebEngineOptions = {
    script: (id) => engineScript(id, (name) => text('dist/web', name)),
    async start(id) {
      const files = engineFiles(id);
      const megabytes = featureMegabytes(setting);
      const [code, glue] = await Promise.all([
        ownCode(Uri.joinPath(context.extensionUri, 'dist/web', files.binary)),
        files.glue && text('dist/web', files.glue),
      ]);
      return { code, glue, sizes, ...(megabytes > 0 && { storeBudget: megabytes * 1e6 }) };
    },
    resource: ahead.read,
    readAhead: (model) => ahead.begin(filesForImages(index, model)),
    onLog: (line) => log.info(line),
  };
  const engine = webEngine(worker, () => deviceSetting(setting));
  const { chosen: _chosen, ...calls } = engine;
  ending = start(context, {
    log,
    engine: calls,
    pathOf: mountFolder,
    devices: [],
    images: '/storage/pictures',
    facts: {
      memory: async () => undefined,
      device() {
        const { chosen } = engine;
        if (chosen?.id === 'webgpu') return `${chosen.findings.name} (WebGPU)`;
        return `processor, by WebAssembly${hasThreads() ? '' : ' in one thread'}`;
      },
    },
    firstSpeed: WASM_SPEED,
    loadsSlowly: true,
    chooseDevice: () => chooseDevice(log, (options) => listWebDevices(worker, options)),
  });
}

export async function deactivate(): Promise<void> {
  await ending?.();
}
