import { abortError } from '../../../engine/errors.ts';
import type { CallOptions, SegmentRequest, SegmentResult } from '../../../shared/api.ts';
import { SIGHT_RESULT } from '../../../shared/testing.ts';

/**
 * A segmenter that answers when a test says so, with a mask of all of the image.
 * @param side of the images, which are square, in pixels
 */
export function heldSegmenter(side: number) {
  const area = side * side;
  const mask = { width: side, height: side, data: new Uint8Array(area).fill(1), area };
  const found = { ...SIGHT_RESULT, masks: [mask], sure: true } as unknown as SegmentResult;
  const answers: (() => void)[] = [];
  const segment = (_: SegmentRequest, { signal }: CallOptions<never> = {}): Promise<SegmentResult> =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(abortError()));
      answers.push(() => resolve(found));
    });
  return { segment, answers };
}
