import { type Progress, ProgressLocation, window } from 'vscode';
import { describeRun } from '../shared/format.ts';
import { shorten } from '../shared/names.ts';
import type { RunState } from '../shared/viewProtocol.ts';

/** Milliseconds between reports: drawing a notification takes time from everything else. */
const INTERVAL = 250;

/** Shows a notification with a cancel button while `task` runs; `task` tells it how far it is. */
export function withNotification<Result>(
  prompt: string,
  cancel: () => void,
  task: (tell: (run: RunState) => void) => Promise<Result>,
): Thenable<Result> {
  const options = {
    location: ProgressLocation.Notification,
    title: `Generating “${shorten(prompt, 60)}”`,
    cancellable: true,
  };
  return window.withProgress(options, (progress, token) => {
    token.onCancellationRequested(cancel);
    return task(throttled(progress));
  });
}

function throttled(progress: Progress<{ message: string; increment: number }>): (run: RunState) => void {
  let percent = 0;
  let last = 0;
  return (run) => {
    const now = Date.now();
    if (now - last < INTERVAL && run.stage === 'denoise') return;
    last = now;
    const reached = run.steps ? (run.step / run.steps) * 100 : 0;
    progress.report({ message: describeRun(run), increment: reached - percent });
    percent = reached;
  };
}
