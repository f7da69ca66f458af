import { cornersOf, paintPolygon, paintRectangle } from '../mask/shapes.ts';
import { cover, type Point, uncover } from '../mask/strokes.ts';
import type { Tool } from './tool.ts';

/** Pixels between two points of a lasso. */
const LASSO_STEP = 1;

export const rectangle: Tool = {
  id: 'rectangle',
  title: 'Rectangle',
  key: 'R',
  icon: 'rectangle',
  hint: 'Drag a rectangle over what should change. Shift: square. Alt: subtract.',
  usesBrush: false,
  begin({ mask, outline }, from, { alt, shift }) {
    mask.begin();
    return {
      move(points) {
        const to = shift ? squared(from, points.at(-1)!) : points.at(-1)!;
        mask.rewind();
        mask.painted(paintRectangle(mask.raster, from, to, alt ? uncover : cover));
        outline(cornersOf(from, to), true);
      },
      end() {
        outline([], false);
        mask.end(alt ? 'Erase Rectangle' : 'Mask Rectangle');
      },
      cancel() {
        outline([], false);
        mask.cancel();
      },
    };
  },
};

export const lasso: Tool = {
  id: 'lasso',
  title: 'Lasso',
  key: 'L',
  icon: 'lasso',
  hint: 'Draw around what should change. Alt: subtract.',
  usesBrush: false,
  begin({ mask, outline }, from, { alt }) {
    const way = [from];
    return {
      move(points) {
        for (const point of points) if (distance(way.at(-1)!, point) >= LASSO_STEP) way.push(point);
        outline(way, true);
      },
      end() {
        outline([], false);
        if (way.length < 3) return;
        mask.begin();
        mask.painted(paintPolygon(mask.raster, way, alt ? uncover : cover));
        mask.end(alt ? 'Erase Lasso' : 'Mask Lasso');
      },
      cancel: () => outline([], false),
    };
  },
};

function squared(from: Point, to: Point): Point {
  const side = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  return {
    x: from.x + side * Math.sign(to.x - from.x || 1),
    y: from.y + side * Math.sign(to.y - from.y || 1),
  };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
