import { svg } from 'lit';
import { cornersOf, paintPolygon, paintRectangle } from '../mask/shapes.ts';
import { cover, type Point, uncover } from '../mask/strokes.ts';
import type { Tool } from './tool.ts';

/** Pixels between two points of a lasso. */
const LASSO_STEP = 1;

const rectangle: Tool = {
  id: 'rectangle',
  title: 'Rectangle',
  key: 'R',
  icon: svg`<rect x="2" y="3.5" width="12" height="9" fill="none" stroke="currentColor" stroke-width="1.2" stroke-dasharray="2.4 1.6"/>`,
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

const lasso: Tool = {
  id: 'lasso',
  title: 'Lasso',
  key: 'L',
  icon: svg`<g fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round"><path d="M5 10.1C3 9.4 1.8 8.1 1.8 6.5 1.8 4 4.6 2.2 8 2.200s6.2 1.8 6.2 4.3-2.8 4.3-6.2 4.300c-.6 0-1.2-.1-1.7-.2"/><circle cx="5.2" cy="11" r="1.3"/><path d="M5.2 12.300c0 1.2-.6 1.8-1.7 2.2"/></g>`,
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

/** In the order that they are offered. */
export const SHAPES: readonly Tool[] = [rectangle, lasso];

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
