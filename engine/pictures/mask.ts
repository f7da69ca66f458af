import { codecs } from '#host';
import { InputError } from '../errors.ts';
import { coarser, type Mask } from '../regions/mask.ts';
import { decodePicture, type Picture } from './read.ts';

/** Values from here on count as white. */
const WHITE = 128;

/** A mask at the size of a picture, 1 where the picture is to be edited. */
export interface PictureMask {
  mask: Mask;
  /** Of a soft mask: how much of the edit each pixel takes, 0 … 255. */
  coverage?: Uint8Array;
  /** A sentence for the user where the mask had to be scaled. */
  warnings: string[];
}

/** Decodes a mask picture's file for a picture; see `maskFor`. */
export async function decodeMask(
  bytes: Uint8Array,
  name: string,
  picture: { width: number; height: number },
): Promise<PictureMask> {
  return maskFor(await decodePicture(bytes, name), picture, name);
}

/**
 * A mask's file for a picture, however it says where: its greys count where it has the picture's size, else it is scaled
 * as `maskFor` does.
 * @returns how much each pixel is masked, 0 … 255.
 * @throws InputError if it cannot be read or has no white pixel.
 */
export async function readMask(
  bytes: Uint8Array,
  name: string,
  picture: { width: number; height: number },
): Promise<{ coverage: Uint8Array<ArrayBuffer>; warnings: string[] }> {
  const source = await decodePicture(bytes, name);
  const isSize = source.width === picture.width && source.height === picture.height;
  const greys = whiteness(source);
  if (isSize && greys.some((value) => value >= WHITE))
    return { coverage: new Uint8Array(greys), warnings: [] };
  const { mask, warnings } = maskFor(source, picture, name);
  return { coverage: Uint8Array.from(mask.data, (value) => 255 * value), warnings };
}

/**
 * A mask whose greys count: every pixel that is not black is edited, as far as it is white.
 * @param name for errors. @throws InputError if it is all black or has another size than the picture.
 */
export function softMaskFor(
  source: Picture,
  { width, height }: { width: number; height: number },
  name: string,
): PictureMask {
  if (source.width !== width || source.height !== height)
    throw new InputError(
      `${name} is ${source.width}×${source.height} pixels; a soft mask must have the picture's ${width}×${height}.`,
    );
  const coverage = whiteness(source);
  const mask = { width, height, data: coverage.map((value) => (value > 0 ? 1 : 0)) };
  if (!mask.data.includes(1)) throw nothingWhite(name);
  return { mask, coverage, warnings: [] };
}

function nothingWhite(name: string): InputError {
  return new InputError(`${name} has no white pixel, so there is nothing to edit.`);
}

/**
 * A mask picture for a picture: white is edited. Transparent counts as black; where no opaque pixel is white but some are
 * transparent, as in masks painted on a transparent layer, what is opaque is edited.
 * @param name for errors. @throws InputError if it has no white pixel.
 */
export function maskFor(
  source: Picture,
  picture: { width: number; height: number },
  name: string,
): PictureMask {
  const read = whiteOf(source);
  if (!read.data.includes(1)) throw nothingWhite(name);
  const { width, height } = picture;
  if (read.width === width && read.height === height) return { mask: read, warnings: [] };
  const warning = `The mask is ${read.width}×${read.height} pixels and was scaled to the picture's ${width}×${height}.`;
  return { mask: scaleMask(read, width, height), warnings: [warning] };
}

/**
 * A mask's file brought to latent size [height, width]: as it is if it has that size, else active where any white
 * pixel falls. `scale`: pixels for each latent position, along one side.
 * @throws InputError if it cannot be read or has no white pixel.
 */
export async function decodeLatentMask(
  bytes: Uint8Array,
  name: string,
  { width, height }: { width: number; height: number },
  scale: number,
): Promise<Mask> {
  const white = whiteOf(await decodePicture(bytes, name));
  if (!white.data.includes(1)) throw new InputError(`${name} has no white pixel.`);
  if (white.height === height && white.width === width) return white;
  return coarser(scaleMask(white, width * scale, height * scale), scale);
}

/** The white part of a mask picture, see `maskFor`; it may be empty. */
export function whiteOf(picture: Picture): Mask {
  const { width, height, alpha } = picture;
  const data = aboveHalf(whiteness(picture));
  const painted = !data.includes(1) && alpha?.some((value) => value < WHITE);
  return { width, height, data: painted ? aboveHalf(alpha!) : data };
}

function aboveHalf(values: Uint8Array): Uint8Array {
  const above = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) above[i] = values[i]! >= WHITE ? 1 : 0;
  return above;
}

/** How white each pixel is, 0 … 255: the luma of ITU-R BT.601, over black. */
function whiteness({ width, height, pixels, alpha }: Picture): Uint8Array {
  const white = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < white.length; i++, p += 3) {
    const luma = (299 * pixels[p]! + 587 * pixels[p + 1]! + 114 * pixels[p + 2]!) / 1000;
    white[i] = Math.round(alpha ? (luma * alpha[i]!) / 255 : luma);
  }
  return white;
}

/** A grey PNG file of a soft mask: 0 … 255, [height, width]. */
export function encodeCoverage(coverage: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  return codecs.encode({ width, height, channels: 1, data: coverage }, { format: 'png', compression: 3 });
}

/** A mask at another size: active where any active pixel falls, so that thin strokes stay. */
export function scaleMask(mask: Mask, width: number, height: number): Mask {
  const data = new Uint8Array(width * height);
  const rows = spansOf(mask.height, height);
  const columns = spansOf(mask.width, width);
  for (const [y, [top, bottom]] of rows.entries())
    for (const [x, [left, right]] of columns.entries())
      data[y * width + x] = anyActive(mask, top, bottom, left, right) ? 1 : 0;
  return { width, height, data };
}

/** For each of `to` positions the range of the `from` positions that fall on it, at least one. */
function spansOf(from: number, to: number): [number, number][] {
  return Array.from({ length: to }, (_, i) => {
    const first = Math.floor((i * from) / to);
    return [first, Math.max(first + 1, Math.floor(((i + 1) * from) / to))];
  });
}

function anyActive(mask: Mask, top: number, bottom: number, left: number, right: number): boolean {
  for (let y = top; y < bottom; y++)
    if (mask.data.subarray(y * mask.width + left, y * mask.width + right).includes(1)) return true;
  return false;
}

/** PNG file of a mask: white where it is active, else black. */
export function encodeMask({ width, height, data }: Mask): Promise<Uint8Array> {
  const grey = data.map((value) => (value ? 255 : 0));
  return encodeCoverage(grey, width, height);
}
