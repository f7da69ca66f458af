import { ProgressLocation, window } from 'vscode';
import type { Engine, FindThingsResult } from '../../shared/api.ts';

/** Finds the things in a picture file and does something with them, under a notification that tells how far it is and can cancel. */
export function withThings<Result>(
  engine: Engine,
  image: Uint8Array,
  title: string,
  use: (found: FindThingsResult, signal: AbortSignal) => Promise<Result>,
): Thenable<Result> {
  const options = { location: ProgressLocation.Notification, title, cancellable: true };
  return window.withProgress(options, async (progress, token) => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort());
    const { signal } = controller;
    let reached = 0;
    const found = await engine.findThings(
      { image, png: true },
      {
        signal,
        onProgress: ({ tried, points, things }) => {
          const percent = (100 * tried) / points;
          progress.report({ message: `${things} so far`, increment: percent - reached });
          reached = percent;
        },
      },
    );
    return use(found, signal);
  });
}
