import { abortError } from '../../../engine/errors.ts';
import type { CallOptions, SegmentRequest, SegmentResult } from '../../../shared/api.ts';
import { SIGHT_RESULT } from '../../../shared/testing.ts';

/**
 * A segmenter that answers when a test says so.
 * @param side of the images, which are square, in pixels
 * @param columns of the image that its masks cover, from the left
 */
export function heldSegmenter(side: number, columns = side) {
  const area = side * columns;
  const data = Uint8Array.from({ length: side * side }, (_, i) => (i % side < columns ? 1 : 0));
  const mask = { width: side, height: side, data, area };
  const found = { ...SIGHT_RESULT, masks: [mask], sure: true } as unknown as SegmentResult;
  const answers: (() => void)[] = [];
  const segment = (_: SegmentRequest, { signal }: CallOptions<never> = {}): Promise<SegmentResult> =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(abortError()));
      answers.push(() => resolve(found));
    });
  return { segment, answers };
}
