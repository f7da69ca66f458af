import type { EditRequest } from '../../shared/api.ts';
import { removalMargin } from '../../shared/margins.ts';
import { InputError } from '../errors.ts';
import { extendPicture, extensionMask } from '../pictures/canvas.ts';
import { coloursOf, paintedPart, paintsInside, withColours } from '../pictures/colours.ts';
import { maskFor, type PictureMask, softMaskFor } from '../pictures/mask.ts';
import { decodePicture, type Picture } from '../pictures/read.ts';
import { activeCount, dilate, fullMask } from '../regions/mask.ts';

/** What an edit works on: a picture, perhaps on a larger canvas, and which of its pixels are painted. */
interface EditedPart extends PictureMask {
  picture: Picture;
  /** The picture under the colours that the edit begins with. */
  coloured?: Picture;
}

/** A warning. */
const BESIDE = 'None of the painted colours is inside the mask, so they were not used.';

/**
 * Reads a request's picture and the part of it that will be painted: its mask, grown for a removal; the new part of a
 * larger canvas; what is covered by colours; or, without any, all of it.
 * @throws InputError if a file cannot be read, or the request asks for two of these
 */
export async function editedPart(request: EditRequest): Promise<EditedPart> {
  const { extend, remove } = request;
  if (!request.colours) return await maskedPart(request);
  if (extend || remove)
    throw new InputError(
      'Colours are for what is painted in a mask: they do not go with a removal or an extension.',
    );
  const painted = await decodePicture(request.colours, 'The colours');
  const part = await maskedPart(request);
  const colours = coloursOf(painted, part.picture, 'The colours');
  const mask = request.mask ? part.mask : paintedPart(colours, part.picture);
  const warnings = paintsInside(colours, mask) ? part.warnings : [...part.warnings, BESIDE];
  return { ...part, mask, warnings, coloured: withColours(part.picture, colours, mask) };
}

async function maskedPart(request: EditRequest): Promise<EditedPart> {
  const { image, mask, extend, remove, softMask } = request;
  if (mask && extend) throw new InputError('Give a mask or an extension of the image, not both.');
  if (remove && !mask) throw new InputError('Say what to remove: give a mask of it.');
  const [picture, source] = await Promise.all([
    decodePicture(image, 'The image'),
    mask && decodePicture(mask, 'The mask'),
  ]);
  if (extend)
    return { picture: extendPicture(picture, extend), mask: extensionMask(picture, extend), warnings: [] };
  if (!source) return { picture, mask: fullMask(picture.height, picture.width), warnings: [] };
  const read = (softMask && !remove ? softMaskFor : maskFor)(source, picture, 'The mask');
  if (!remove) return { picture, ...read };
  const grown = dilate(read.mask, removalMargin(picture));
  const share = activeCount(grown) / grown.data.length;
  const warnings =
    share > 0.5 ? ['More than half of the image is removed, so little is left to continue from.'] : [];
  return { picture, mask: grown, warnings: [...read.warnings, ...warnings] };
}
