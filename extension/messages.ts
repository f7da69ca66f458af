/** The only place that shows VS Code's messages and progress: all of their text goes through `messageText`. */
import {
  type CancellationToken,
  type Progress,
  ProgressLocation,
  StatusBarAlignment,
  type StatusBarItem,
  window,
} from 'vscode';
import { messageText } from './messageText.ts';

export function showError<Choice extends string>(text: string, ...choices: Choice[]) {
  return window.showErrorMessage(messageText(text), ...choices);
}

export function showInformation<Choice extends string>(text: string, ...choices: Choice[]) {
  return window.showInformationMessage(messageText(text), ...choices);
}

export function showWarning<Choice extends string>(text: string, ...choices: Choice[]) {
  return window.showWarningMessage(messageText(text), ...choices);
}

/** An item of the status bar. Its text may contain icons, so untrusted text must not be in it. */
export function statusItem(id: string, name: string, command: string): StatusBarItem {
  const item = window.createStatusBarItem(id, StatusBarAlignment.Right, 50);
  item.name = name;
  item.command = command;
  return item;
}

/** Asks for confirmation in a dialog, with `detail` below the question. */
export async function confirmed(
  question: string,
  yes: string,
  { detail = [], harmless = false }: { detail?: readonly string[]; harmless?: boolean } = {},
): Promise<boolean> {
  const options = { modal: true, detail: detail.map((line) => messageText(line)).join('\n\n') };
  const show = harmless ? window.showInformationMessage : window.showWarningMessage;
  return (await show<string>(messageText(question), options, yes)) === yes;
}

/** Reports progress: in percent, if known. */
export type Tell = (message: string, percent?: number) => void;

/** Shows a notification with a cancel button while `task` runs. */
export function withNotification<Result>(
  title: string,
  task: (signal: AbortSignal, tell: Tell) => Promise<Result>,
): Thenable<Result> {
  const options = { location: ProgressLocation.Notification, title: messageText(title), cancellable: true };
  return window.withProgress(options, (progress, token) => task(signalOf(token), teller(progress)));
}

/** Shows a line in the status bar while `task` runs. */
export function withStatus<Result>(title: string, task: (tell: Tell) => Promise<Result>): Thenable<Result> {
  const options = { location: ProgressLocation.Window, title: messageText(title, 100) };
  return window.withProgress(options, (progress) => task(teller(progress)));
}

function teller(progress: Progress<{ message: string; increment?: number }>): Tell {
  let reached = 0;
  return (message, percent) => {
    const increment = percent === undefined ? undefined : percent - reached;
    reached = percent ?? reached;
    progress.report({ message: messageText(message, 200), ...(increment !== undefined && { increment }) });
  };
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
