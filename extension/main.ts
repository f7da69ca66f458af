/** The extension on a machine of its own: the engine runs in a process. */
import path from 'node:path';
import { type ExtensionContext, window, workspace } from 'vscode';
import { listDevices } from '../processes/devices/devices.ts';
import { deviceEngine } from '../processes/devices/engine.ts';
import { processMemory } from '../processes/process-memory.ts';
import { DEVICE_IDS, DEVICE_PROVIDERS, DEVICE_SYSTEMS } from '../shared/devices.ts';
import { chooseDevice } from './devices/choose.ts';
import type { SettingName } from './settingEntries.ts';
import { deviceSetting, featureMegabytes } from './settings.ts';
import { type Ending, start } from './start.ts';

let ending: Ending | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('Patchwork', { log: true });
  const setting = (name: SettingName) => workspace.getConfiguration('patchwork').get(name);
  const engine = deviceEngine({
    script: context.asAbsolutePath('dist/engine.mjs'),
    device: () => deviceSetting(setting),
    megabytes: () => featureMegabytes(setting),
    onLog: (line) => log.info(line),
  });
  ending = start(context, {
    log,
    engine,
    pathOf: ({ scheme, fsPath }) => (scheme === 'file' ? fsPath : undefined),
    devices: DEVICE_IDS.filter((id) => DEVICE_SYSTEMS[id].includes(process.platform)),
    images: path.join(context.globalStorageUri.fsPath, 'pictures'),
    facts: {
      memory: async () => (engine.pid === undefined ? undefined : processMemory(engine.pid)),
      device() {
        const { chosen } = engine;
        if (!chosen || chosen.id === 'cpu') return undefined;
        return `${chosen.findings.name} (${DEVICE_PROVIDERS[chosen.id]})`;
      },
    },
    chooseDevice: () => chooseDevice(log, listDevices),
    // `npm start` names the README of its sample.
    welcome: process.env.PATCHWORK_WELCOME,
  });
}

export async function deactivate(): Promise<void> {
  await ending?.();
}
