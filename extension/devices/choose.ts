import {
  ConfigurationTarget,
  type LogOutputChannel,
  type QuickPickItem,
  ThemeIcon,
  window,
  workspace,
} from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import type { ChoiceOptions } from '../../processes/devices/choose.ts';
import type { DeviceInfo } from '../../shared/devices.ts';
import { showWarning, withNotification } from '../messages.ts';
import { messageText } from '../messageText.ts';
import { reportError } from '../report.ts';
import { deviceSetting } from '../settings.ts';
import { type DeviceItem, deviceItems } from './items.ts';
import { moveTo, remoteItem } from './remoteItem.ts';

/** Lists the devices, trying those that are new. */
type List = (options: ChoiceOptions & { signal: AbortSignal }) => Promise<DeviceInfo[]>;

/** The command: lists the devices, tried and timed, and stores the choice in the settings. */
export async function chooseDevice(log: LogOutputChannel, list: List): Promise<void> {
  try {
    const again = { label: 'Try All Again', iconPath: new ThemeIcon('refresh') };
    for (let retry = false; ; retry = true) {
      const devices = await tried(log, list, retry);
      const items = deviceItems(devices, used()).map(shown);
      const remote = remoteItem();
      const choice = await window.showQuickPick([...items, ...(remote ? [remote] : []), again], {
        title: 'Choose Device',
        placeHolder: 'Choose where images are computed',
        matchOnDescription: true,
        matchOnDetail: true,
        ignoreFocusOut: true,
      });
      if (choice === again) continue;
      if (remote && choice === remote) await moveTo(remote);
      if (choice && isDevice(choice)) await use(choice);
      return;
    }
  } catch (error) {
    if (!isAbort(error)) await reportError(log, error);
  }
}

function used() {
  return deviceSetting((name) => workspace.getConfiguration('patchwork').get(name));
}

function isDevice(item: QuickPickItem): item is QuickPickItem & DeviceItem {
  return 'choice' in item;
}

/** Names come from drivers, and may hold anything. */
function shown(item: DeviceItem) {
  const { label, description, detail } = item;
  return {
    ...item,
    label: messageText(label),
    description: messageText(description),
    ...(detail && { detail: messageText(detail) }),
    iconPath: iconOf(item),
  };
}

function iconOf({ choice, unusable }: DeviceItem): ThemeIcon {
  if (unusable) return new ThemeIcon('circle-slash');
  return new ThemeIcon(choice === 'auto' ? 'sparkle' : choice === 'cpu' ? 'server' : 'chip');
}

function tried(log: LogOutputChannel, list: List, again: boolean): Thenable<DeviceInfo[]> {
  return withNotification('Looking for devices', (signal, tell) =>
    list({
      again,
      signal,
      onLog: (line) => log.info(line),
      onTry: (name) => tell(`trying ${name}`),
    }),
  );
}

async function use({ choice, unusable, label, detail }: DeviceItem): Promise<void> {
  if (unusable) {
    await showWarning(`Networks cannot run on ${label}. ${detail ?? ''}`.trim());
    return;
  }
  const target = ConfigurationTarget.Global;
  await workspace
    .getConfiguration('patchwork')
    .update('device', choice === 'auto' ? undefined : choice, target);
}
