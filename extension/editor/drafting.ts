/** Drafts while a mask is painted: the setting, and what they need from the extension. */
import { draftSwitch } from '../draftSwitch.ts';
import type { Services } from '../services.ts';
import { controlOf } from './controlLayer.ts';
import type { PictureDocument } from './document.ts';
import { editRequest } from './editRequest.ts';
import { LiveEdits } from './liveEdits.ts';

export const DRAFTING = draftSwitch('draftWhilePainting');

/** Drafts of a document's edits. */
export function liveEditsOf(
  services: Services,
  document: PictureDocument,
  show: ConstructorParameters<typeof LiveEdits>[0]['show'],
): LiveEdits {
  return new LiveEdits({
    async ask(draft) {
      const start = await document.canvas();
      const layer = await controlOf(services, document, draft);
      return { request: await editRequest(services, document, draft, { start, layer }), start: start.raster };
    },
    make: (request, signal) => services.queue.editAside(request, { signal }),
    expect: () => document.state.fullSeconds,
    show,
  });
}
