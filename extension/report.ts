import { commands, type LogOutputChannel } from 'vscode';
import { InputError, messageOf } from '../engine/errors.ts';
import { showError } from './messages.ts';

/** Tells an error once, as a notification with what may help, and logs it in full. */
export async function reportError(log: LogOutputChannel, error: unknown): Promise<void> {
  log.error(error instanceof Error ? error : String(error));
  const settings = 'Open Settings';
  const showLog = 'Show Log';
  const choice = await showError(messageOf(error), error instanceof InputError ? settings : showLog);
  if (choice === settings) await openSettings();
  if (choice === showLog) log.show();
}

export async function openSettings(): Promise<void> {
  await commands.executeCommand('workbench.action.openSettings', '@ext:patchwork.patchwork');
}
