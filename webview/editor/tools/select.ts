import { cornersOf } from '../mask/shapes.ts';
import type { Point } from '../mask/strokes.ts';
import type { Modifiers, Tool } from './tool.ts';

/** Pixels of the picture that a press may move and still be a click. */
const CLICK = 3;

export const select: Tool = {
  id: 'select',
  title: 'Select Object',
  key: 'S',
  icon: 'target',
  hint: 'Click an object or drag a box around it. Shift: add. Alt: remove. N: next object.',
  usesBrush: false,
  begin({ outline, select }, from, modifiers) {
    let to = from;
    return {
      move(points) {
        to = points.at(-1)!;
        outline(isClick(from, to) ? [] : cornersOf(from, to), true);
      },
      end() {
        outline([], false);
        select(isClick(from, to) ? { points: [from] } : { box: boxOf(from, to) }, how(modifiers));
      },
      cancel: () => outline([], false),
    };
  },
  hover: ({ hint }, at) => hint(at && { points: [at] }),
};

function how({ alt, shift }: Modifiers) {
  return alt ? 'remove' : shift ? 'add' : 'replace';
}

function isClick(from: Point, to: Point): boolean {
  return Math.hypot(to.x - from.x, to.y - from.y) < CLICK;
}

function boxOf(a: Point, b: Point) {
  return {
    x0: Math.min(a.x, b.x),
    y0: Math.min(a.y, b.y),
    x1: Math.max(a.x, b.x),
    y1: Math.max(a.y, b.y),
  };
}
