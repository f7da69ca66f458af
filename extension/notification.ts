import { describeRun } from '../shared/format.ts';
import { shorten } from '../shared/names.ts';
import type { RunState } from '../shared/viewProtocol.ts';
import { type Tell, withNotification } from './messages.ts';

/** Milliseconds between reports: drawing a notification takes time from everything else. */
const INTERVAL = 250;

/** Shows a notification with a cancel button while `task` generates an image; `task` tells it how far it is. */
export function withRunNotification<Result>(
  prompt: string,
  cancel: () => void,
  task: (tell: (run: RunState) => void) => Promise<Result>,
): Thenable<Result> {
  return withNotification(`Generating “${shorten(prompt, 60)}”`, (signal, tell) => {
    signal.addEventListener('abort', cancel, { once: true });
    return task(throttled(tell));
  });
}

function throttled(tell: Tell): (run: RunState) => void {
  let last = 0;
  return (run) => {
    const now = Date.now();
    if (now - last < INTERVAL && run.stage === 'denoise') return;
    last = now;
    tell(describeRun(run), run.steps ? (run.step / run.steps) * 100 : 0);
  };
}
