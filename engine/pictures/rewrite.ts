import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Metadata, Sharp } from 'sharp';
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
import { decodePicture, type Picture } from './read.ts';
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
  const { default: sharp } = await import('sharp');
  const metadata = await sharp(original).metadata();
  requireStill(original, metadata);
  const seen = await decodePicture(original, 'The picture');
  if (seen.pixels.length !== pixels.length) throw new Error('the pixels are not of this picture');

  const { space, depth, orientation = 1 } = metadata;
  // Profiles of greys and inks do not fit the RGB pixels that a repainted picture has.
  const ownColours = space === 'srgb' || space === 'rgb' || space === 'rgb16';
  const deep = depth === 'ushort' && format === 'png';
  const { data, info } = await sharp(original, { ignoreIcc: ownColours })
    .toColourspace(deep ? 'rgb16' : 'srgb')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const own = deep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const profile = ownColours ? metadata.icc : undefined;
  const painted = profile ? await intoProfile(pixels, seen.width, seen.height, profile) : pixels;
  const place = storedPlace(orientation, info.width, info.height);
  for (let y = 0, i = 0; y < seen.height; y++)
    for (let x = 0; x < seen.width; x++, i += 3) {
      if (sameColour(pixels, seen.pixels, i)) continue;
      const at = info.channels * place(x, y);
      for (let c = 0; c < 3; c++) own[at + c] = painted[i + c]! * (deep ? 257 : 1);
    }

  const raw = { width: info.width, height: info.height, channels: info.channels };
  const picture = sharp(own, { raw });
  const bare = await encode(deep ? picture.toColourspace('rgb16') : picture, format, original, metadata);
  const { exif, xmp } = metadata;
  const carried: PictureMetadata = { exif, xmp, icc: profile };
  const samePng = format === 'png' && metadata.format === 'png' && ownColours;
  const bytes = samePng ? carryPngMetadata(original, bare) : withMetadata(bare, format, carried);
  const lossless = format === 'png' || (format === 'webp' && staysLossless(original, metadata));
  const sameValues = ownColours || (space === 'b-w' && !metadata.icc);
  const exact = lossless && sameValues && (deep || depth === 'uchar');
  return { bytes: format === 'png' && recipe ? withRecipe(bytes, recipe) : bytes, exact };
}

function sameColour(a: Uint8Array, b: Uint8Array, i: number): boolean {
  return a[i] === b[i] && a[i + 1] === b[i + 1] && a[i + 2] === b[i + 2];
}

/**
 * A picture that is to be edited; see `decodePicture`.
 * @throws InputError if it cannot be read or is an animation.
 */
export async function decodeStill(file: Uint8Array, name: string): Promise<Picture> {
  const picture = await decodePicture(file, name);
  const { default: sharp } = await import('sharp');
  requireStill(file, await sharp(file).metadata());
  return picture;
}

/** Refuses what would lose its other frames. */
function requireStill(file: Uint8Array, { format, pages = 1 }: Pick<Metadata, 'format' | 'pages'>): void {
  const animated = pages > 1 || (format === 'png' && pngChunks(file).some(({ type }) => type === 'acTL'));
  if (animated) throw new InputError('The picture is an animation; only still pictures can be edited.');
}

function encode(
  picture: Sharp,
  format: PictureFormat,
  original: Uint8Array,
  metadata: Metadata,
): Promise<Uint8Array> {
  if (format === 'png') return picture.png().toBuffer();
  if (format === 'jpeg')
    return picture
      .flatten({ background: 'white' })
      .jpeg({ quality: LOSSY_QUALITY, chromaSubsampling: '4:4:4' })
      .toBuffer();
  // `exact` keeps the colours of transparent pixels.
  if (staysLossless(original, metadata)) return picture.webp({ lossless: true, exact: true }).toBuffer();
  return picture.webp({ quality: LOSSY_QUALITY, smartSubsample: true }).toBuffer();
}

/** Whether the picture was without loss until now. */
function staysLossless(original: Uint8Array, { format }: Metadata): boolean {
  return format === 'webp' ? isLosslessWebp(original) : format !== 'jpeg';
}

/** sRGB pixels as a colour profile writes them. */
async function intoProfile(
  pixels: Uint8Array,
  width: number,
  height: number,
  profile: Uint8Array,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  // libvips takes profiles from files only.
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    const file = path.join(folder, 'profile.icc');
    await writeFile(file, profile);
    return await sharp(pixels, { raw: { width, height, channels: 3 } })
      .withIccProfile(file)
      .raw()
      .toBuffer();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
