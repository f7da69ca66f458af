import type { Draft, SavedView } from '../shared/viewProtocol.ts';

/** What a page kept over a reload, as far as it is what it should be. */
export function readSavedView(saved: unknown): SavedView {
  const view = isRecord(saved) ? saved : {};
  const draft = isRecord(view.draft) ? view.draft : {};
  return {
    version: 1,
    draft: {
      prompt: text(draft.prompt),
      negativePrompt: text(draft.negativePrompt),
      seed: text(draft.seed),
    } satisfies Draft,
    pictures: Array.isArray(view.pictures) ? view.pictures.filter((id) => typeof id === 'string') : [],
    shown: typeof view.shown === 'string' ? view.shown : undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
