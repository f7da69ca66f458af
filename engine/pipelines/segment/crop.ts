import type { MaskPixels } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import type { PictureInput } from '../../networks/efficientvit-config.ts';
import { boundsOf, heightOf, type Span, widthOf } from '../../regions/box.ts';
import { normalizedPlanes, type Pixels, resizePicture } from './input.ts';

/** Side of the square that is cut out around an object, as a multiple of its longer side. */
const CONTEXT = 1.25;
/** The same at least, as a share of the picture's longer side. */
const LEAST = 1 / 8;

/** A whole picture as a tagger takes it, whatever its shape. */
export async function wholeInput(pixels: Pixels, input: PictureInput): Promise<Float32Array> {
  const square = { width: input.size, height: input.size };
  return normalizedPlanes(await resizePicture({ ...pixels, pixels: pixels.data }, square), input);
}

/**
 * An object as a tagger takes it: a square around the mask, everything outside the mask in the mean colour.
 * @throws InputError if the mask is empty.
 */
export async function objectInput(
  pixels: Pixels,
  mask: MaskPixels,
  input: PictureInput,
): Promise<Float32Array> {
  const bounds = boundsOf(mask);
  if (!bounds) throw new InputError('The mask is empty, so there is nothing to describe.');
  // Each side by itself: a mask may have another shape than the picture.
  const [across, down] = [pixels.width / mask.width, pixels.height / mask.height];
  const longer = Math.max(widthOf(bounds) * across, heightOf(bounds) * down);
  const side = Math.round(Math.max(CONTEXT * longer, LEAST * Math.max(pixels.width, pixels.height)));
  const corner = ({ from, to }: Span, scale: number) => Math.round(((from + to) * scale - side) / 2);
  const [left, top] = [corner(bounds.x, across), corner(bounds.y, down)];
  const data = new Uint8Array(3 * side * side);
  const mean = input.mean.map(Math.round);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [column, row] = [left + x, top + y];
      const inside = column >= 0 && row >= 0 && column < pixels.width && row < pixels.height;
      const covered = inside && mask.data[position(mask, column, row, pixels)] === 1;
      const source = 3 * (row * pixels.width + column);
      for (let c = 0; c < 3; c++)
        data[3 * (y * side + x) + c] = covered ? pixels.data[source + c]! : mean[c]!;
    }
  return wholeInput({ width: side, height: side, data }, input);
}

/** The position of a mask at which a pixel of a picture of another size lies. */
function position(
  mask: MaskPixels,
  x: number,
  y: number,
  picture: { width: number; height: number },
): number {
  const column = Math.min(mask.width - 1, Math.floor((x * mask.width) / picture.width));
  const row = Math.min(mask.height - 1, Math.floor((y * mask.height) / picture.height));
  return row * mask.width + column;
}
