import { commands, type LogOutputChannel } from 'vscode';
import { InputError } from '../engine/errors.ts';
import { messageOf } from '../shared/errorMessage.ts';
import { plainText } from '../shared/plainText.ts';
import type { Failure } from '../shared/viewProtocol.ts';
import { showError } from './messages.ts';

/** What to show for an error: few errors can be fixed in the settings, and only internal errors have more in the log. */
export function failureOf(error: unknown): Failure {
  const message = plainText(messageOf(error));
  if (!(error instanceof InputError)) return { message, help: 'log' };
  return error.setting ? { message, help: 'settings' } : { message };
}

/** Reports an error once, as a notification with a helpful action, and logs it in full. */
export async function reportError(log: LogOutputChannel, error: unknown): Promise<void> {
  log.error(error instanceof Error ? error : String(error));
  const { message, help } = failureOf(error);
  const buttons = { settings: 'Open Settings', log: 'Show Log' };
  const choice = await showError(message, ...(help ? [buttons[help]] : []));
  if (choice === buttons.settings)
    await openSettings(error instanceof InputError ? error.setting : undefined);
  if (choice === buttons.log) log.show();
}

/** @param setting the one that is shown, instead of all of Patchwork's */
export async function openSettings(setting?: string): Promise<void> {
  const query = setting ? `@id:patchwork.${setting}` : '@ext:patchwork.patchwork';
  await commands.executeCommand('workbench.action.openSettings', query);
}
