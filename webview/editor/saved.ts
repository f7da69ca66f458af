import { NO_ADDITIONS } from '../../shared/additions.ts';
import { type EditDraft, NO_EXTENSION, type SavedEditor } from '../../shared/editorProtocol.ts';

const EMPTY_DRAFT: EditDraft = {
  way: 'mask',
  extension: NO_EXTENSION,
  prompt: '',
  negativePrompt: '',
  strength: 0,
  steps: '',
  seed: '',
  seedLocked: false,
  precision: '',
  variations: 1,
  additions: NO_ADDITIONS,
  budget: 1,
};

/** The initial state of the page: as before a reload of the window, or fresh. */
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
