import type { PixelBox, PromptPoint } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import { toFrame } from './frame.ts';
import type { Prompt } from './segmenter.ts';

const EXCLUDE = 0;
export const INCLUDE = 1;
export const UPPER_LEFT = 2;
const LOWER_RIGHT = 3;
const PADDING = -1;

interface AskedPrompt {
  points: readonly PromptPoint[];
  box?: PixelBox;
  refine?: Float32Array;
}

/**
 * What the user asks, in a segmenter's terms: a padding point takes the place of an absent box, as in training.
 * @throws InputError for a point outside the picture, or a box that has nothing of it.
 */
export function promptFor(
  { points, box, refine }: AskedPrompt,
  picture: { width: number; height: number },
  frame: number,
): Prompt {
  const { width, height } = picture;
  const coordinates: number[] = [];
  const labels: number[] = [];
  const add = (at: { x: number; y: number }, label: number) => {
    coordinates.push(...toFrame(at, picture, frame));
    labels.push(label);
  };
  for (const { x, y, include = true } of points) {
    if (!(x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5))
      throw new InputError(`The point ${x},${y} is outside the image, which is ${width}×${height} pixels.`);
    add({ x, y }, include ? INCLUDE : EXCLUDE);
  }
  if (box) {
    const { x0, y0, x1, y1 } = insidePicture(box, picture);
    add({ x: x0, y: y0 }, UPPER_LEFT);
    add({ x: x1, y: y1 }, LOWER_RIGHT);
  } else {
    coordinates.push(0, 0);
    labels.push(PADDING);
  }
  return { coordinates, labels, ...(refine && { earlier: refine }) };
}

function insidePicture({ x0, y0, x1, y1 }: PixelBox, picture: { width: number; height: number }): PixelBox {
  const { width, height } = picture;
  const inside = {
    x0: Math.max(0, Math.min(x0, x1)),
    y0: Math.max(0, Math.min(y0, y1)),
    x1: Math.min(width, Math.max(x0, x1)),
    y1: Math.min(height, Math.max(y0, y1)),
  };
  if (!(inside.x0 < inside.x1 && inside.y0 < inside.y1))
    throw new InputError(
      `The box ${x0},${y0},${x1},${y1} has nothing of the image, which is ${width}×${height} pixels.`,
    );
  return inside;
}

/** One click may mean an object, a part of it, or the larger one it belongs to; further input decides. */
export function isAmbiguous({ points, box, refine }: AskedPrompt): boolean {
  return points.length === 1 && !box && !refine;
}
