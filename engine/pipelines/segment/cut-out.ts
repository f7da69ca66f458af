import type { CutOutRequest, CutOutResult, SegmentRequest, SegmentResult } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import { listen } from '../../execution/denoise.ts';
import { cropPicture, encodePicture } from '../../pictures/compose.ts';
import { cutOut } from '../../pictures/cut-out.ts';
import { readMask } from '../../pictures/mask.ts';
import { decodePicture, type Picture } from '../../pictures/read.ts';
import { boundsOf } from '../../regions/box.ts';
import { activeCount } from '../../regions/mask.ts';

/** Pixels over which the edge of what is cut out becomes opaque. */
const FEATHER = 2;

interface Covered {
  /** How much of each pixel stays, 0 … 255, [height, width]. */
  coverage: Uint8Array;
  sure: boolean;
  macs: number;
  warnings: string[];
}

/**
 * Cuts out what a mask covers, or the object at a place, which `segment` finds.
 * @throws InputError if nothing is covered
 */
export async function cutOutPart(
  request: CutOutRequest,
  segment: (request: SegmentRequest) => Promise<SegmentResult>,
  signal?: AbortSignal,
): Promise<CutOutResult> {
  const begin = performance.now();
  const { image, mask, feather = FEATHER, trim = false } = request;
  const picture = await decodePicture(image, 'The image');
  await listen(signal);
  const { coverage, ...about } = mask
    ? { ...(await readMask(mask, 'The mask', picture)), sure: true, macs: 0 }
    : await objectAt(request, picture, segment);
  await listen(signal);
  const cut = cutOut(picture, coverage, feather);
  const { width, height, alpha } = cut;
  const seen = { width, height, data: alpha!.map((value) => Number(value > 0)) };
  const box = boundsOf(seen);
  if (!box) throw new InputError('Nothing is left: what is selected is transparent in the image.');
  await listen(signal);
  const part = trim ? cropPicture(cut, box) : cut;
  return {
    ...about,
    picture: { png: await encodePicture(part), width: part.width, height: part.height },
    left: trim ? box.x.from : 0,
    top: trim ? box.y.from : 0,
    area: activeCount(seen),
    seconds: (performance.now() - begin) / 1000,
  };
}

async function objectAt(
  { image, points, box, model, precision, threads }: CutOutRequest,
  picture: Picture,
  segment: (request: SegmentRequest) => Promise<SegmentResult>,
): Promise<Covered> {
  const file = image instanceof Uint8Array ? image : await encodePicture(picture);
  const place = { points, box, model, precision, threads };
  const { masks, sure, macs, warnings } = await segment({ image: file, ...place, most: 1 });
  const [best] = masks;
  if (!best || best.area === 0)
    throw new InputError('There is no object at this place; try another point, or a box around it.');
  return { coverage: best.data.map((value) => 255 * value), sure, macs, warnings };
}
