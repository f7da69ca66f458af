import { codecs, type EncodeOptions, type PictureHeader } from '#host';
import type { Recipe } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import {
  carryPngMetadata,
  isLosslessWebp,
  type PictureFormat,
  type PictureMetadata,
  withMetadata,
} from './metadata.ts';
import { pngChunks } from './png-text.ts';
import { checkPicture, decodePicture, type Picture } from './read.ts';
import { withRecipe } from './recipe.ts';

/** Quality of pictures that can only be written with loss. */
export const LOSSY_QUALITY = 95;

export interface Rewritten {
  bytes: Uint8Array;
  /** Pixels that were not repainted have exactly the values that they had. */
  exact: boolean;
}

/**
 * A picture's file with other pixels: what `pixels` has not changed keeps its own values, in the file's own colour
 * space, depth and orientation, and its alpha; EXIF, colour profile, XMP and texts stay. Lossless files stay lossless.
 * @param original the file. @param pixels RGB of the upright picture in sRGB, [height, width, 3]; see `decodePicture`.
 * @param format of the new file; @param recipe goes into PNG files.
 * @throws InputError if the original cannot be read or is an animation.
 */
export async function rewritePicture(
  original: Uint8Array,
  pixels: Uint8Array,
  format: PictureFormat,
  recipe?: Recipe,
): Promise<Rewritten> {
  const header = await codecs.header(original);
  requireStill(original, header);
  const seen = await decodePicture(original, 'The picture');
  if (seen.pixels.length !== pixels.length) throw new Error('the pixels are not of this picture');

  const { space, depth, orientation } = header;
  // Profiles of greys and inks do not fit the RGB pixels that a repainted picture has.
  const ownColours = space === 'srgb' || space === 'rgb' || space === 'rgb16';
  const deep = depth === 16 && format === 'png';
  const info = await codecs.decodeStored(original, { depth: deep ? 16 : 8, ignoreProfile: ownColours });
  const own = info.data;
  const profile = ownColours ? header.icc : undefined;
  const { width, height } = seen;
  const painted = profile
    ? await codecs.toProfile({ width, height, channels: 3, data: pixels }, profile)
    : pixels;
  const place = storedPlace(orientation, info.width, info.height);
  for (let y = 0, i = 0; y < seen.height; y++)
    for (let x = 0; x < seen.width; x++, i += 3) {
      if (sameColour(pixels, seen.pixels, i)) continue;
      const at = info.channels * place(x, y);
      for (let c = 0; c < 3; c++) own[at + c] = painted[i + c]! * (deep ? 257 : 1);
    }

  const lossless = format === 'png' || (format === 'webp' && staysLossless(original, header));
  const bare = await codecs.encode(info, encoding(format, lossless));
  const carried: PictureMetadata = { exif: header.exif, xmp: header.xmp, icc: profile };
  const samePng = format === 'png' && header.format === 'png' && ownColours;
  const bytes = samePng ? carryPngMetadata(original, bare) : withMetadata(bare, format, carried);
  const sameValues = ownColours || (space === 'b-w' && !header.icc);
  const exact = lossless && sameValues && (deep || depth === 8);
  return { bytes: format === 'png' && recipe ? withRecipe(bytes, recipe) : bytes, exact };
}

function sameColour(a: Uint8Array, b: Uint8Array, i: number): boolean {
  return a[i] === b[i] && a[i + 1] === b[i + 1] && a[i + 2] === b[i + 2];
}

/**
 * What a picture's file will not keep when it is rewritten: sentences for the user, none if it keeps everything.
 * @throws Error if it cannot be read
 */
export async function lossesOf(original: Uint8Array, format: PictureFormat): Promise<string[]> {
  const header = await codecs.header(original);
  const losses: string[] = [];
  const isLossy = format === 'jpeg' || (format === 'webp' && !staysLossless(original, header));
  if (isLossy)
    losses.push(
      `${format === 'jpeg' ? 'JPEG' : 'WebP'} is saved at quality ${LOSSY_QUALITY}: all pixels change slightly. Use PNG for exact pixels.`,
    );
  if (header.space === 'cmyk') losses.push('CMYK colours become sRGB.');
  if (header.palette && header.format === 'png') losses.push('The palette becomes full colour.');
  if (header.depth === 16 && format !== 'png') losses.push('16 bits a channel become 8.');
  return losses;
}

/**
 * A picture that is to be edited; see `decodePicture`.
 * @throws InputError if it cannot be read or is an animation.
 */
export async function decodeStill(file: Uint8Array, name: string): Promise<Picture> {
  const picture = await decodePicture(file, name);
  requireStill(file, await codecs.header(file));
  return picture;
}

/** Whether a file begins as a still picture that may be decoded. @throws InputError as `decodeStill` does */
export async function checkStill(file: Uint8Array, name: string): Promise<void> {
  await checkPicture(file, name);
  requireStill(file, await codecs.header(file));
}

/** Refuses what would lose its other frames. */
function requireStill(file: Uint8Array, { format, pages }: Pick<PictureHeader, 'format' | 'pages'>): void {
  const animated = pages > 1 || (format === 'png' && pngChunks(file).some(({ type }) => type === 'acTL'));
  if (animated) throw new InputError("Animated images can't be edited.");
}

function encoding(format: PictureFormat, lossless: boolean): EncodeOptions {
  if (format === 'png') return { format };
  return format === 'webp' && lossless ? { format, lossless } : { format, quality: LOSSY_QUALITY };
}

/** Whether the picture was without loss until now. */
function staysLossless(original: Uint8Array, { format }: PictureHeader): boolean {
  return format === 'webp' ? isLosslessWebp(original) : format !== 'jpeg';
}

/**
 * Where a pixel of the upright picture is stored, as y · width + x.
 * @param orientation EXIF's, 1 … 8 (CIPA DC-008, 4.6.4). @param width and @param height as stored.
 */
function storedPlace(orientation: number, width: number, height: number): (x: number, y: number) => number {
  const [right, bottom] = [width - 1, height - 1];
  switch (orientation) {
    case 2:
      return (x, y) => y * width + right - x;
    case 3:
      return (x, y) => (bottom - y) * width + right - x;
    case 4:
      return (x, y) => (bottom - y) * width + x;
    case 5:
      return (x, y) => x * width + y;
    case 6:
      return (x, y) => (bottom - x) * width + y;
    case 7:
      return (x, y) => (bottom - x) * width + right - y;
    case 8:
      return (x, y) => x * width + right - y;
    default:
      return (x, y) => y * width + x;
  }
}
