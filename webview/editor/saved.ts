import type { EditDraft, SavedEditor } from '../../shared/editorProtocol.ts';
import { DEFAULT_STRENGTH } from '../../shared/limits.ts';

const EMPTY_DRAFT: EditDraft = {
  prompt: '',
  negativePrompt: '',
  strength: DEFAULT_STRENGTH,
  steps: '',
  seed: '',
  seedLocked: false,
  precision: '',
  variations: 1,
};

/** What the page starts with: as it was before a reload of the window, or fresh. */
export function startOf(saved: SavedEditor | undefined): SavedEditor {
  const fresh: SavedEditor = {
    version: 1,
    draft: EMPTY_DRAFT,
    tool: 'brush',
    size: 48,
    softness: 0.2,
    opacity: 0.5,
    colour: 'red',
    amount: 4,
  };
  return saved?.version === 1 ? { ...fresh, ...saved, draft: { ...EMPTY_DRAFT, ...saved.draft } } : fresh;
}
