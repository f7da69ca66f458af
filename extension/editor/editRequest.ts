import { InputError } from '../../engine/errors.ts';
import { hindranceOfAdditions, requestOfAdditions } from '../../shared/additions.ts';
import type { EditRequest } from '../../shared/api.ts';
import { type EditDraft, needsMask, needsPrompt, takesColours } from '../../shared/editorProtocol.ts';
import { blankRaster, copyOf, type Raster } from '../../shared/raster.ts';
import { withoutIdleAdapter } from '../additions/adapter.ts';
import { editWithSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import type { Canvas } from './canvas.ts';
import { type LayerControl, withLayer } from './controlLayer.ts';
import type { PictureDocument } from './document.ts';
import { stepsOf } from './draft.ts';
import { zooms } from './expectedEdit.ts';

/**
 * The edit of a form, with the mask as it is now.
 * @param with.start what is painted on
 * @throws InputError if the form or the mask is invalid
 */
export async function editRequest(
  { kept }: Services,
  document: PictureDocument,
  draft: EditDraft,
  { start, layer }: { start: Canvas; layer: LayerControl | undefined },
): Promise<EditRequest> {
  const { way } = draft;
  const model = await document.model();
  const { masked } = model;
  const coloured = takesColours(way) && model.coloured !== undefined;
  if (needsMask(way) && !masked && !coloured) throw new InputError('Paint a mask first.');
  const controlled = layer ? [layer.row] : [];
  const additions = { ...draft.additions, controls: [...draft.additions.controls, ...controlled] };
  const hindrance = hindranceOfAdditions(additions, true);
  if (hindrance) throw new InputError(hindrance);
  const prompt = needsPrompt(way) ? draft.prompt.trim() : '';
  if (needsPrompt(way) && !prompt) throw new InputError('Enter a prompt first.');
  const { controls, references, regions, ...others } = requestOfAdditions(draft.additions);
  const images = await kept.images({ controls, references, regions });
  const request = editWithSettings(
    {
      prompt,
      ...others,
      ...withLayer(images, layer),
      negativePrompt: draft.negativePrompt.trim() || undefined,
      image: start.raster,
      // A removal has a margin of its own, which the engine adds.
      ...(way === 'mask' && masked && { mask: model.painted, softMask: true }),
      ...(way === 'remove' && masked && { mask: copyOf(model.mask) }),
      ...(coloured && { colours: copyOf(model.colours) }),
      // Without a mask only what the colours cover would be painted.
      ...(coloured && way === 'all' && { mask: wholeMask(model) }),
      ...(way === 'remove' && { remove: true }),
      ...(way === 'extend' && { extend: draft.extension }),
      raw: true,
      mode: 'auto',
      ...(zooms(draft) && { zoom: 'auto' as const }),
      strength: draft.strength || undefined,
      steps: stepsOf(draft.steps),
      precision: draft.precision || undefined,
      budget: draft.budget || undefined,
    },
    document.uri,
  );
  return await withoutIdleAdapter(request);
}

/** A mask of all of a picture. */
function wholeMask({ width, height }: { width: number; height: number }): Raster {
  const mask = blankRaster(width, height, 1);
  mask.data.fill(255);
  return mask;
}
