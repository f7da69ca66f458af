import type { FindObjectsResult } from '../../shared/api.ts';
import { withNotification } from '../messages.ts';
import type { Selector } from './selector.ts';

/**
 * Finds the objects in a picture file and does something with them, with a notification that shows progress and can
 * cancel.
 */
export function withObjects<Result>(
  selector: Selector,
  image: Uint8Array,
  title: string,
  use: (found: FindObjectsResult, signal: AbortSignal) => Promise<Result>,
): Thenable<Result> {
  return withNotification(title, async (signal, tell) => {
    const found = await selector.findObjects(
      { image, png: true },
      {
        signal,
        onProgress: ({ tried, points, objects }) => tell(`${objects} so far`, (100 * tried) / points),
      },
    );
    return use(found, signal);
  });
}
