import { type Blend, cover, type Point, paintSegment, uncover } from '../mask/strokes.ts';
import type { MaskLayer } from '../maskLayer.ts';
import type { Gesture, Tool, ToolContext } from './tool.ts';

/** A stroke into a layer along the pointer's way. */
function stroke(layer: MaskLayer, { brush }: ToolContext, at: Point, blend: Blend, label: string): Gesture {
  let last = at;
  const paintTo = (point: Point) => {
    layer.painted(paintSegment(layer.raster, last, point, brush, blend));
    last = point;
  };
  layer.begin();
  paintTo(at);
  return {
    move: (points) => points.forEach(paintTo),
    end: () => layer.end(label),
    cancel: () => layer.cancel(),
  };
}

export const brush: Tool = {
  id: 'brush',
  title: 'Brush',
  key: 'B',
  icon: 'brush',
  hint: 'Paint over what should change. Alt erases.',
  usesBrush: true,
  begin: (context, at, { alt }) =>
    alt
      ? stroke(context.mask, context, at, uncover, 'Erase Mask')
      : stroke(context.mask, context, at, cover, 'Brush Mask'),
};

export const eraser: Tool = {
  id: 'eraser',
  title: 'Eraser',
  key: 'E',
  icon: 'eraser',
  hint: 'Take the mask away. Alt paints.',
  usesBrush: true,
  begin: (context, at, { alt }) =>
    alt
      ? stroke(context.mask, context, at, cover, 'Brush Mask')
      : stroke(context.mask, context, at, uncover, 'Erase Mask'),
};

export const restore: Tool = {
  id: 'restore',
  title: 'Restore Original',
  key: 'O',
  icon: 'restore',
  hint: 'Brush over an edit to bring back the original.',
  usesBrush: true,
  begin: (context, at) => stroke(context.erased, context, at, cover, 'Restore Original'),
};
