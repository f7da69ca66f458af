import { hindranceOfAdditions } from '../../shared/additions.ts';
import { type EditDraft, needsMask, needsPrompt } from '../../shared/editorProtocol.ts';
import { parseSeed } from '../../shared/seed.ts';
import { extensionHindrance } from './extendFrame.ts';
import type { EditorPage } from './page.ts';

/** Why an edit cannot be started now; undefined if it can. */
export function hindranceOf({ state, stage, draft, masked }: EditorPage): string | undefined {
  if (!state || !stage.picture) return 'The image is loading.';
  const { way, extension } = draft;
  const lacksMask = needsMask(way) && !masked;
  const lacksPrompt = needsPrompt(way) && draft.prompt.trim() === '';
  const tooLarge = way === 'extend' ? extensionHindrance(stage.picture.size, extension) : undefined;
  if (lacksMask && lacksPrompt) return 'Paint a mask and enter a prompt first.';
  if (lacksMask) return 'Paint a mask first.';
  if (tooLarge) return tooLarge;
  if (lacksPrompt) return 'Enter a prompt first.';
  if (isBadSeed(draft)) return 'Correct the seed first.';
  if (isBadSteps(draft)) return 'Correct the steps first.';
  return hindranceOfAdditions(draft.additions, state.readsImages);
}

export const isBadSeed = ({ seed }: EditDraft) => parseSeed(seed) === null;
export const isBadSteps = ({ steps }: EditDraft) => !/^\s*\d*\s*$/.test(steps);
