/** Drafts while a mask is painted: the setting, and what they need from the extension. */
import { draftSwitch } from '../draftSwitch.ts';
import type { Services } from '../services.ts';
import { controlOf } from './controlLayer.ts';
import { learnFull } from './cost.ts';
import type { PictureDocument } from './document.ts';
import { editRequest } from './editRequest.ts';
import { LiveEdits } from './liveEdits.ts';

export const DRAFTING = draftSwitch('draftWhilePainting');

/** Share of a draft's time from which on loading says that its networks ran for the first time. */
const COLD = 0.2;

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
    async make(request, signal) {
      const result = await services.queue.editAside(request, { signal });
      const { seconds, loadSeconds, workers } = result;
      // Drafts are full recomputes, so they tell how long one takes; the first run of a network is slower.
      const isWarm = loadSeconds < COLD * seconds;
      if (isWarm && !workers) await learnFull(services.denseSpeed, request, result);
      return result;
    },
    expect: () => document.state.fullSeconds,
    show,
  });
}
