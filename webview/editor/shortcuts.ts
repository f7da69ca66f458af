import type { Editor } from './editor.ts';
import type { Shortcuts } from './keyboard.ts';
import { brushSize, type EditorActions } from './page.ts';
import { toolsFor } from './tools/index.ts';

/** Actions of the page's keys. */
export function shortcutsOf(editor: Editor, actions: EditorActions): Shortcuts {
  const { page, stage, announcer, send } = editor;
  return {
    tools: () => toolsFor(page.state?.canSelect ?? false),
    choose: actions.choose,
    resize(factor) {
      // Small brushes grow by whole pixels too.
      const size = brushSize(page) * factor;
      actions.setBrush({ size: factor > 1 ? Math.ceil(size) : Math.floor(size) });
    },
    zoomBy: (factor) => stage.zoomBy(factor),
    zoomTo: (scale) => stage.zoomTo(scale),
    fit: () => stage.fit(),
    invert: () => actions.mask('invert'),
    clear: () => actions.mask('clear'),
    toggleMask: actions.toggleMask,
    toggleControl: actions.toggleControl,
    reselect: actions.reselect,
    selectNext(step) {
      if (page.state?.canSelect) send({ type: 'selectNext', step });
    },
    compare() {
      if (page.state?.edited || stage.compare !== undefined) actions.toggleCompare();
    },
    escape() {
      if (!stage.input.cancel()) stage.element.focus();
    },
    pan(held) {
      stage.input.panning = held;
      editor.resizeBrush();
    },
    nudge(dx, dy) {
      if (!stage.picture) return;
      const { x, y } = stage.input.nudge(dx, dy);
      announcer.announce(`${x}, ${y}`);
    },
    press: (modifiers) => announcer.announce(stage.input.press(modifiers) ? 'Pressed' : 'Released'),
  };
}
