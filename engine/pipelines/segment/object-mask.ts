import type { ObjectMask, PixelBox } from '../../../shared/api.ts';
import { encodeMask } from '../../pictures/mask.ts';
import { boundsOf } from '../../regions/box.ts';
import { activeCount } from '../../regions/mask.ts';
import { fitted, innerPart } from './frame.ts';
import { includedPositions, withoutIslands } from './islands.ts';
import { maskFromLogits, smoothedLogits } from './masks.ts';
import { UPPER_LEFT } from './prompt.ts';
import type { Prompt, ScoredLogits, Segmenter } from './segmenter.ts';

/** Below this score a mask is a guess. */
export const SURE = 0.5;

/** A decoded mask at the picture's size, or smaller, with its score and place. `prompt`: what it answers. */
export async function objectMask(
  { logits, score }: ScoredLogits,
  segmenter: Segmenter,
  picture: { width: number; height: number },
  {
    maxSide = Number.POSITIVE_INFINITY,
    png = false,
    prompt,
  }: { maxSide?: number; png?: boolean; prompt?: Prompt },
): Promise<ObjectMask> {
  const { width, height } = picture;
  const size = maxSide < Math.max(width, height) ? fitted(picture, maxSide) : { width, height };
  const side = Math.sqrt(logits.length);
  const { frame } = segmenter;
  const inner = innerPart(side, frame, picture);
  const included = prompt ? includedPositions(prompt, side, frame) : [];
  const boxed = prompt?.labels.includes(UPPER_LEFT);
  const smooth = score < SURE ? smoothedLogits(logits, side) : logits;
  const mask = maskFromLogits(
    withoutIslands(smooth, side, { included, boxed, inner }),
    side,
    frame,
    picture,
    size,
  );
  const [across, down] = [width / mask.width, height / mask.height];
  const bounds = boundsOf(mask);
  const box: PixelBox | undefined = bounds && {
    x0: Math.floor(bounds.x.from * across),
    y0: Math.floor(bounds.y.from * down),
    x1: Math.ceil(bounds.x.to * across),
    y1: Math.ceil(bounds.y.to * down),
  };
  const area = Math.round(activeCount(mask) * across * down);
  const file = png ? { png: await encodeMask(mask) } : {};
  // The share is predicted, and may be a little more than all.
  return { ...mask, score: Math.min(1, score), area, box, ...(segmenter.refines && { logits }), ...file };
}
