import { type Additions, hindranceOfAdditions } from '../../shared/additions.ts';
import { type EditDraft, needsMask, needsPrompt, takesColours } from '../../shared/editorProtocol.ts';
import { parseSeed } from '../../shared/seed.ts';
import type { EditorPage } from './page.ts';
import { cropHindrance, extensionHindrance } from './sides.ts';

/** Why an edit cannot be started now; undefined if it can. */
export function hindranceOf(page: EditorPage): string | undefined {
  const { state, stage, draft, masked, coloured } = page;
  if (!state || !stage.picture) return 'The image is loading.';
  if (page.crop) return cropHindrance(stage.picture.size, page.crop);
  const { way, extension } = draft;
  const lacksMask = needsMask(way) && !masked && !(takesColours(way) && coloured);
  const lacksPrompt = needsPrompt(way) && draft.prompt.trim() === '';
  const tooLarge = way === 'extend' ? extensionHindrance(stage.picture.size, extension) : undefined;
  if (lacksMask && lacksPrompt) return 'Paint a mask and enter a prompt first.';
  if (lacksMask) return 'Paint a mask first.';
  if (tooLarge) return tooLarge;
  if (lacksPrompt) return 'Enter a prompt first.';
  if (isBadSeed(draft)) return 'Correct the seed first.';
  if (isBadSteps(draft)) return 'Correct the steps first.';
  return hindranceOfAdditions(withLayer(page), state.readsImages);
}

/** The additions with the control layer as one more control image, where there is something in it. */
function withLayer({ draft: { additions, control }, controlled, state }: EditorPage): Additions {
  if (!controlled) return additions;
  const row = { ...control, model: control.model || (state?.controlModel ?? '') };
  return { ...additions, controls: [...additions.controls, row] };
}

export const isBadSeed = ({ seed }: EditDraft) => parseSeed(seed) === null;
export const isBadSteps = ({ steps }: EditDraft) => !/^\s*\d*\s*$/.test(steps);
