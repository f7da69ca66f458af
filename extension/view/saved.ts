import type { SavedView } from '../../shared/viewProtocol.ts';
import { readDraft } from './draft.ts';

/** The validated state that a page kept over a reload. */
export function readSavedView(saved: unknown): SavedView {
  const view = typeof saved === 'object' && saved !== null ? (saved as Record<string, unknown>) : {};
  return {
    version: 2,
    draft: readDraft(view.draft),
    filled: readDraft(view.filled),
    shown: typeof view.shown === 'string' ? view.shown : undefined,
  };
}
