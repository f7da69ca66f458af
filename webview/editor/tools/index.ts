import { brush, eraser, restore, sketch } from './brushes.ts';
import { colourBrush, eyedropper } from './colours.ts';
import { select } from './select.ts';
import { SHAPES } from './shapes.ts';
import type { Tool } from './tool.ts';

/** Moves the image; `pans` is all that it takes. */
const hand: Tool = {
  id: 'hand',
  title: 'Hand',
  key: 'H',
  icon: 'move',
  hint: 'Drag the image. Space or the middle button: with any tool.',
  usesBrush: false,
  pans: true,
  begin: () => ({ move() {}, end() {}, cancel() {} }),
};

/** In the order that they are offered. */
export const TOOLS: readonly Tool[] = [
  brush,
  eraser,
  ...SHAPES,
  select,
  colourBrush,
  eyedropper,
  sketch,
  restore,
  hand,
];

/** Those that can be used where clicks can become masks, or cannot. */
export function toolsFor(canSelect: boolean): readonly Tool[] {
  return canSelect ? TOOLS : TOOLS.filter((tool) => tool !== select);
}

export function toolOf(id: string): Tool {
  return TOOLS.find((tool) => tool.id === id) ?? brush;
}
