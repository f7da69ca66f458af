import { svg } from 'lit';
import type { Area } from '../../../shared/raster.ts';
import { type Blend, cover, type Point, paintSegment, uncover } from '../mask/strokes.ts';
import type { MaskLayer } from '../maskLayer.ts';
import type { Gesture, Tool, ToolContext } from './tool.ts';

/**
 * A stroke into a layer along the pointer's way.
 * @param segment paints from one place to the next. @returns where it may have changed the layer
 */
export function strokeOf(
  layer: MaskLayer,
  at: Point,
  label: string,
  segment: (from: Point, to: Point) => Area,
): Gesture {
  let last = at;
  const paintTo = (point: Point) => {
    layer.painted(segment(last, point));
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

function stroke(layer: MaskLayer, { brush }: ToolContext, at: Point, blend: Blend, label: string): Gesture {
  return strokeOf(layer, at, label, (from, to) => paintSegment(layer.raster, from, to, brush, blend));
}

const LABELS = new Map<Blend, string>([
  [cover, 'Brush Mask'],
  [uncover, 'Erase Mask'],
]);

/** A brush over the mask; Alt makes it the other one. */
function maskBrush(about: Pick<Tool, 'id' | 'title' | 'key' | 'icon' | 'hint'>, blend: Blend): Tool {
  const other = blend === cover ? uncover : cover;
  return {
    ...about,
    usesBrush: true,
    begin(context, at, { alt }) {
      const chosen = alt ? other : blend;
      return stroke(context.mask, context, at, chosen, LABELS.get(chosen)!);
    },
  };
}

export const brush = maskBrush(
  {
    id: 'brush',
    title: 'Brush',
    key: 'B',
    icon: svg`<path fill="currentColor" d="M14.4 1.6a1.7 1.7 0 0 0-2.4 0L6.2 7.4l2.4 2.4L14.4 4a1.7 1.7 0 0 0 0-2.4ZM5.3 8.4c-1.6.1-2.5 1.1-2.7 2.5-.2 1.1-.5 1.8-1.6 2.4 1.3 1 3 1.3 4.4.9 1.5-.5 2.4-1.8 2.3-3.4L5.3 8.4Z"/>`,
    hint: 'Paint over what should change. Alt: erase.',
  },
  cover,
);

export const eraser = maskBrush(
  { id: 'eraser', title: 'Eraser', key: 'E', icon: 'eraser', hint: 'Erase the mask. Alt: paint.' },
  uncover,
);

/** White lines in the control layer; Alt makes them black again. */
export const sketch: Tool = {
  id: 'sketch',
  title: 'Sketch',
  key: 'D',
  icon: 'edit',
  hint: 'Draw outlines of what edits should paint. Alt: erase.',
  usesBrush: true,
  draws: true,
  begin(context, at, { alt }) {
    const [blend, label] = alt ? ([uncover, 'Erase Sketch'] as const) : ([cover, 'Sketch'] as const);
    return stroke(context.control, context, at, blend, label);
  },
};

export const restore: Tool = {
  id: 'restore',
  title: 'Restore Original',
  key: 'O',
  icon: svg`<g fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round" stroke-linejoin="round"><path d="M2.5 3v3.300h3.300M2.9 6.300A5.6 5.6 0 1 1 2.4 9.5"/></g><circle cx="8" cy="8.5" r="1.9" fill="currentColor"/>`,
  hint: 'Paint over an edit to bring back the original.',
  usesBrush: true,
  begin: (context, at) => stroke(context.erased, context, at, cover, 'Restore Original'),
};
