import type { Editor } from './editor.ts';
import type { EditActions } from './page.ts';

/** Actions of the list of edits. */
export function editActionsOf(editor: Editor): EditActions {
  const { page, send, announcer } = editor;
  return {
    showEdit: (id, shown) => send({ type: 'showEdit', id, shown }),
    fadeEdit(id, opacity, done) {
      page.fading = { id, opacity };
      send({ type: 'fadeEdit', id, opacity, done });
      editor.update();
    },
    moveEdit(id, by) {
      send({ type: 'moveEdit', id, by });
      announcer.announce(by > 0 ? 'Moved up' : 'Moved down');
    },
    goBack: (id) => send({ type: 'goBack', id }),
    useEdit: (id) => send({ type: 'useEdit', id }),
    runAgain: (id) => send({ type: 'runAgain', id }),
  };
}
