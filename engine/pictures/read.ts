import { type PictureHeader, path } from '#host';
import type { Raster } from '../../shared/raster.ts';
import { readBytes } from '../read-bytes.ts';
import { type OpenedPicture, openPicture, PICTURE_LIMITS } from './open.ts';
import { exifRecipe, readRecipe } from './recipe.ts';
import type { ParsedRecipe } from './recipes/settings.ts';
import { inTurns } from './turns.ts';

export { PICTURE_LIMITS };

/** A decoded picture: 8 bits a channel, sRGB, upright. */
export interface Picture {
  width: number;
  height: number;
  /** RGB, [height, width, 3], not premultiplied by alpha. */
  pixels: Uint8Array;
  /** Opacity, [height, width], if the file has an alpha channel. */
  alpha?: Uint8Array;
  /** Recipe in the file, if Patchwork or another Stable Diffusion tool wrote one. */
  recipe?: ParsedRecipe;
}

/** Reads a picture's file: PNG, JPEG, WebP, AVIF, GIF or TIFF. @throws InputError as `decodePicture` does. */
export async function readPicture(file: string): Promise<Picture> {
  return decodePicture(await readPictureFile(file), path.basename(file));
}

/**
 * Decodes an image file as displayed: EXIF orientation applied; colour profiles, CMYK, greys and 16 bits converted to
 * 8-bit sRGB; the first frame of an animation.
 * @param image a file, or pixels, which are used directly. @param name the file's name, for errors.
 * @throws InputError in one sentence: not a picture, damaged, cut off, or beyond `PICTURE_LIMITS`.
 */
export async function decodePicture(image: Uint8Array | Raster, name: string): Promise<Picture> {
  if (!(image instanceof Uint8Array)) return pictureOf(image);
  return decodeOpened(await openPicture(image, name), image);
}

/** An image from pixels, grey or RGB. */
async function pictureOf({ width, height, channels, data }: Raster): Promise<Picture> {
  return { width, height, ...(await splitAlpha(data, width * height, channels)) };
}

/** Decodes a file that is already open. */
export async function decodeOpened(opened: OpenedPicture, bytes: Uint8Array): Promise<Picture> {
  const { width, height, channels, data } = await opened.decode();
  const recipe = recipeIn(bytes, opened.header);
  return { width, height, ...(await splitAlpha(data, width * height, channels)), ...(recipe && { recipe }) };
}

/** What a picture's file says that it was made from. @throws InputError if it does not begin as a picture */
export async function readRecipeOf(bytes: Uint8Array, name: string): Promise<ParsedRecipe | undefined> {
  return recipeIn(bytes, (await openPicture(bytes, name)).header);
}

/** Checks that a file can probably be decoded, from its header. @throws InputError as `decodePicture` does */
export async function checkPicture(bytes: Uint8Array, name: string): Promise<void> {
  await openPicture(bytes, name);
}

/** Interleaved channels (grey, grey and alpha, RGB, RGBA) → RGB and alpha. */
async function splitAlpha(
  data: Uint8Array,
  count: number,
  channels: number,
): Promise<{ pixels: Uint8Array; alpha?: Uint8Array }> {
  if (channels === 3) return { pixels: data };
  const colours = channels < 3 ? 1 : 3;
  const [green, blue] = colours === 3 ? [1, 2] : [0, 0];
  const pixels = new Uint8Array(3 * count);
  const alpha = channels === colours ? undefined : new Uint8Array(count);
  await inTurns(count, (begin, end) => {
    for (let i = begin, to = 3 * begin, from = channels * begin; i < end; i++, to += 3, from += channels) {
      pixels[to] = data[from]!;
      pixels[to + 1] = data[from + green]!;
      pixels[to + 2] = data[from + blue]!;
      if (alpha) alpha[i] = data[from + colours]!;
    }
  });
  return { pixels, ...(alpha && { alpha }) };
}

function recipeIn(bytes: Uint8Array, { format, exif }: PictureHeader): ParsedRecipe | undefined {
  if (format === 'png') return readRecipe(bytes);
  return exif && exifRecipe(exif);
}

/** Reads an image file of bounded size. @throws InputError if it cannot be read. */
export async function readPictureFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return readBytes(file, PICTURE_LIMITS.fileBytes);
}
