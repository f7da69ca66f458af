import { brush, eraser, restore } from './brushes.ts';
import { lasso, rectangle } from './shapes.ts';
import type { Tool } from './tool.ts';

/** Moves the picture; the stage does that itself, as it does for every tool while Space is held. */
export const hand: Tool = {
  id: 'hand',
  title: 'Hand',
  key: 'H',
  icon: 'move',
  hint: 'Drag the picture. Space and the middle button do so with any tool.',
  usesBrush: false,
  begin: () => ({ move() {}, end() {}, cancel() {} }),
};

/** In the order that they are offered. */
export const TOOLS: readonly Tool[] = [brush, eraser, rectangle, lasso, restore, hand];

export function toolOf(id: string): Tool {
  return TOOLS.find((tool) => tool.id === id) ?? brush;
}
