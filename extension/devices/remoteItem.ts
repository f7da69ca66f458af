import { ConfigurationTarget, commands, env, ThemeIcon, workspace } from 'vscode';
import { showInformation } from '../messages.ts';
import { EXTENSION_ID, placeInRemoteWindow } from '../remote.ts';

/** A line of the list of devices that moves Patchwork to the other machine of a remote window. */
interface RemoteItem {
  label: string;
  detail: string;
  iconPath: ThemeIcon;
  /** In `remote.extensionKind`; undefined for what package.json says. */
  kind: readonly string[] | undefined;
}

/** Undefined where there is no other machine. */
export function remoteItem(): RemoteItem | undefined {
  const iconPath = new ThemeIcon('remote');
  switch (placeInRemoteWindow()) {
    case 'ui':
      return {
        label: `Compute on the Remote Machine (${env.remoteName})…`,
        detail: 'Patchwork now runs on this computer. It must be installed there, too, with its models.',
        iconPath,
        kind: ['workspace'],
      };
    case 'workspace':
      return {
        label: 'Compute on This Computer…',
        detail: `Patchwork now runs on the remote machine (${env.remoteName}).`,
        iconPath,
        kind: undefined,
      };
    case undefined:
      return undefined;
  }
}

/** Writes VS Code's setting for all remote windows, and offers to reload this one. */
export async function moveTo({ kind }: RemoteItem): Promise<void> {
  const remote = workspace.getConfiguration('remote');
  const { [EXTENSION_ID]: _, ...others } = remote.get<Record<string, unknown>>('extensionKind') ?? {};
  const kinds = kind ? { ...others, [EXTENSION_ID]: kind } : others;
  await remote.update('extensionKind', kinds, ConfigurationTarget.Global);
  const reload = 'Reload Window';
  const where = kind ? 'the remote machine, where it must be installed' : 'this computer';
  if ((await showInformation(`Patchwork runs on ${where} once the window is reloaded.`, reload)) === reload)
    await commands.executeCommand('workbench.action.reloadWindow');
}
