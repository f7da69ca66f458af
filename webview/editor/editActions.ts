import type { Editor } from './editor.ts';
import { type EditActions, isFaded } from './page.ts';

/** Actions of the list of edits. */
export function editActionsOf(editor: Editor): EditActions {
  const { page, send, announcer } = editor;
  return {
    showEdit: (id, shown) => send({ type: 'showEdit', id, shown }),
    fadeEdit(id, opacity, done) {
      const fading = { id, opacity };
      page.fading = done && isFaded(page.edits, fading) ? undefined : fading;
      send({ type: 'fadeEdit', id, opacity, done });
      editor.update();
    },
    varyEdit: (id, variation) => send({ type: 'varyEdit', id, variation }),
    moveEdit(id, by) {
      send({ type: 'moveEdit', id, by });
      announcer.announce(by > 0 ? 'Moved up' : 'Moved down');
    },
    goBack: (id) => send({ type: 'goBack', id }),
    useEdit: (id) => send({ type: 'useEdit', id }),
    runAgain: (id) => send({ type: 'runAgain', id }),
  };
}
