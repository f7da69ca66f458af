import { NO_ADDITIONS } from '../../shared/additions.ts';
import { EMPTY_DRAFT, type SavedEditor } from '../../shared/editorProtocol.ts';

/** The initial state of the page: as before a reload of the window, or fresh. */
export function startOf(saved: SavedEditor | undefined): SavedEditor {
  const fresh: SavedEditor = {
    version: 1,
    draft: EMPTY_DRAFT,
    tool: 'brush',
    size: 48,
    softness: 0.2,
    line: 6,
    opacity: 0.5,
    colour: 'red',
    paint: '#c0392b',
    amount: 4,
  };
  if (saved?.version !== 1) return fresh;
  const additions = { ...NO_ADDITIONS, ...saved.draft.additions };
  return { ...fresh, ...saved, draft: { ...EMPTY_DRAFT, ...saved.draft, additions } };
}
