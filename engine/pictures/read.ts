import { codecs, type PictureHeader, path } from '#host';
import { InputError } from '../errors.ts';
import { readBytes } from '../read-bytes.ts';
import { commentIn } from './exif-comment.ts';
import { type ParsedRecipe, parseRecipe, readRecipe } from './recipe.ts';

/** Bounds on pictures from anywhere, checked before a pixel is decoded. */
export const PICTURE_LIMITS = {
  /** Pixels along one side. */
  side: 8192,
  pixels: 40_000_000,
  fileBytes: 256 << 20,
} as const;

/** A decoded picture: 8 bits a channel, sRGB, upright. */
export interface Picture {
  width: number;
  height: number;
  /** RGB, [height, width, 3]. Not multiplied by alpha. */
  pixels: Uint8Array;
  /** Opacity, [height, width], where the file has it. */
  alpha?: Uint8Array;
  /** What it was made from, where the file is one of ours or of another Stable Diffusion tool. */
  recipe?: ParsedRecipe;
}

/** Reads a picture's file: PNG, JPEG, WebP, AVIF, GIF, TIFF or SVG. @throws InputError as `decodePicture` does. */
export async function readPicture(file: string): Promise<Picture> {
  return decodePicture(await readPictureFile(file), path.basename(file));
}

/**
 * Decodes a picture as it is seen: EXIF orientation applied, colour profiles, CMYK, greys and 16 bits brought to 8-bit
 * sRGB; of an animation the first frame.
 * @param name the file's name, for errors.
 * @throws InputError in one sentence: not a picture, damaged, cut off, or beyond `PICTURE_LIMITS`.
 */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  const header = await readHeader(bytes, name);
  const { width, height, channels, data } = await codecs
    .decode(bytes, PICTURE_LIMITS.pixels)
    .catch((error: unknown) => {
      throw new InputError(`${name} is damaged or cut off: it cannot be decoded.`, { cause: error });
    });
  const recipe = recipeIn(bytes, header);
  return { width, height, ...splitAlpha(data, width * height, channels), ...(recipe && { recipe }) };
}

/** Whether a file begins as a picture that may be decoded. @throws InputError as `decodePicture` does */
export async function checkPicture(bytes: Uint8Array, name: string): Promise<void> {
  await readHeader(bytes, name);
}

async function readHeader(bytes: Uint8Array, name: string): Promise<PictureHeader> {
  if (bytes.length === 0) throw new InputError(`${name} is empty.`);
  const header = await codecs.header(bytes).catch((error: unknown) => {
    throw new InputError(`${name} is not a picture that can be read, or is damaged.`, { cause: error });
  });
  checkSize(header.width, header.height, name);
  return header;
}

function checkSize(width: number | undefined, height: number | undefined, name: string): void {
  const { side, pixels } = PICTURE_LIMITS;
  if (!width || !height) throw new InputError(`${name} has no size, so it cannot be opened.`);
  if (width > side || height > side || width * height > pixels)
    throw new InputError(
      `${name} is ${width}×${height} pixels; at most ${side} pixels along a side and ${pixels / 1e6} megapixels can be opened.`,
    );
}

/** Interleaved channels (grey, grey and alpha, RGB, RGBA) → RGB and alpha. */
function splitAlpha(
  data: Uint8Array,
  count: number,
  channels: number,
): { pixels: Uint8Array; alpha?: Uint8Array } {
  if (channels === 3) return { pixels: data };
  const colours = channels < 3 ? 1 : 3;
  const [green, blue] = colours === 3 ? [1, 2] : [0, 0];
  const pixels = new Uint8Array(3 * count);
  for (let to = 0, from = 0; to < pixels.length; to += 3, from += channels) {
    pixels[to] = data[from]!;
    pixels[to + 1] = data[from + green]!;
    pixels[to + 2] = data[from + blue]!;
  }
  if (channels === colours) return { pixels };
  const alpha = new Uint8Array(count);
  for (let i = 0; i < count; i++) alpha[i] = data[i * channels + colours]!;
  return { pixels, alpha };
}

/** A picture is worth opening though its text cannot be read. */
function recipeIn(bytes: Uint8Array, { format, exif }: PictureHeader): ParsedRecipe | undefined {
  if (format !== 'png') {
    const recipe = parseRecipe((exif && commentIn(exif)) ?? '');
    // Cameras write comments too.
    return recipe?.steps === undefined ? undefined : recipe;
  }
  try {
    return readRecipe(bytes);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** The bytes of a picture's file, of bounded size. @throws InputError if it cannot be read. */
export async function readPictureFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return readBytes(file, PICTURE_LIMITS.fileBytes);
}
