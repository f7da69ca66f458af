import { codecs } from '#host';
import type { Raster } from '../../shared/raster.ts';
import { InputError } from '../errors.ts';
import { activeCount, coarser, type Mask } from '../regions/mask.ts';
import { decodePicture, type Picture } from './read.ts';

/** Values from here on count as white. */
const WHITE = 128;

/** A mask at the size of a picture, 1 where the picture will be edited. */
export interface PictureMask {
  mask: Mask;
  /** For a soft mask: how much of the edit each pixel takes, 0 … 255. */
  coverage?: Uint8Array;
  /** Warnings for the user, for example that the mask was scaled. */
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
 * Reads a mask's file or pixels for a picture. Its greys count if it has the picture's size; else it is scaled as in
 * `maskFor`.
 * @returns the coverage of each pixel, 0 … 255.
 * @throws InputError if it cannot be read or has no white pixel.
 */
export async function readMask(
  image: Uint8Array | Raster,
  name: string,
  picture: { width: number; height: number },
): Promise<{ coverage: Uint8Array<ArrayBuffer>; warnings: string[] }> {
  const source = await decodePicture(image, name);
  const isSize = source.width === picture.width && source.height === picture.height;
  if (isSize && !readingOf(source).taken) {
    const greys = whiteness(source);
    if (greys.some((value) => value >= WHITE)) return { coverage: new Uint8Array(greys), warnings: [] };
  }
  const { mask, warnings } = maskFor(source, picture, name);
  return { coverage: rasterOfMask(mask).data, warnings };
}

/**
 * A soft mask: every pixel that is not black is edited, blended by its brightness.
 * @param name for errors. @throws InputError if it is all black or has another size than the picture.
 */
export function softMaskFor(
  source: Picture,
  { width, height }: { width: number; height: number },
  name: string,
): PictureMask {
  if (source.width !== width || source.height !== height)
    throw new InputError(
      `${name} is ${source.width}×${source.height} pixels; a soft mask must have the image's ${width}×${height}.`,
    );
  const coverage = whiteness(source);
  const mask = { width, height, data: coverage.map((value) => (value > 0 ? 1 : 0)) };
  if (!mask.data.includes(1)) throw nothingWhite(name);
  return { mask, coverage, warnings: [] };
}

function nothingWhite(name: string): InputError {
  return new InputError(`${name} has no white pixel, so it selects nothing.`);
}

/**
 * A mask for an image. White is edited, or else what `readingOf` finds to be marked; then a warning says what, and its
 * share.
 * @param name for errors. @throws InputError if nothing is marked.
 */
export function maskFor(
  source: Picture,
  picture: { width: number; height: number },
  name: string,
): PictureMask {
  const { mask: read, taken } = readingOf(source);
  const marked = activeCount(read);
  if (marked === 0) throw nothingWhite(name);
  const share = Math.max(0.1, (100 * marked) / read.data.length).toFixed(1);
  const warnings = taken ? [`${name}: ${taken} was taken as what to edit, ${share} % of it.`] : [];
  const { width, height } = picture;
  if (read.width === width && read.height === height) return { mask: read, warnings };
  warnings.push(
    `The mask is ${read.width}×${read.height} pixels and was scaled to the image's ${width}×${height}.`,
  );
  return { mask: scaleMask(read, width, height), warnings };
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

/** The marked part of a mask image, see `readingOf`; may be empty. */
export function whiteOf(picture: Picture): Mask {
  return readingOf(picture).mask;
}

/** The marked part of a mask image, and a description of it unless it is simply white. */
interface Reading {
  mask: Mask;
  taken?: string;
}

/** Values up to NEAR count as black and from 255 − NEAR as white. */
const NEAR = 8;
/** Differences of channels from here on are a colour. */
const COLOURFUL = 96;
/** From here on a channel is not black. Palettes of label maps begin at 64. */
const BRIGHT = 32;
/** If all values are below this, they are labels. */
const LABELS = 16;

/**
 * What a mask marks, in the ways that the common tools write them:
 * - with transparency: white in what is black and white; else a hole, where the corners are opaque (GIMP, ComfyUI,
 *   Stable Diffusion WebUI), else what is painted or cut out;
 * - in colours: what is coloured on white, else what is not black;
 * - in greys: white; in label maps, whose values are small numbers, what is not 0; of two greys that are both dark, or
 *   both light, the lighter; of more that are all dark, what is not 0.
 */
function readingOf(picture: Picture): Reading {
  const { width, height, alpha } = picture;
  const reading = (marks: (i: number) => boolean, taken?: string): Reading => {
    const data = new Uint8Array(width * height);
    for (let i = 0; i < data.length; i++) if (marks(i)) data[i] = 1;
    return { mask: { width, height, data }, ...(taken && { taken }) };
  };
  const white = whiteness(picture);
  const opaque = opaqueFrom(alpha);
  const facts = factsOf(picture, white, opaque);
  const corners = [0, width - 1, width * (height - 1), width * height - 1];
  const most = (holds: (i: number) => boolean) => corners.filter(holds).length >= 3;
  if (alpha && facts.transparent > 0) {
    if (facts.isBlackAndWhite) return reading((i) => white[i]! >= WHITE);
    if (most((i) => alpha[i]! >= opaque)) return reading((i) => alpha[i]! < opaque, 'the transparent hole');
    return reading((i) => alpha[i]! >= opaque, 'the opaque part');
  }
  if (facts.coloured > 0) {
    if (most((i) => white[i]! >= 255 - NEAR))
      return reading((i) => facts.spread(i) >= COLOURFUL, 'the coloured part');
    return reading((i) => facts.brightest(i) >= BRIGHT, 'the part that is not black');
  }
  const isLabelled =
    facts.lightest < LABELS || (facts.lightest < WHITE && facts.levels > 2 && isFlat(white, width));
  if (facts.darkest === 0 && facts.lightest > 0 && isLabelled)
    return reading((i) => white[i]! > 0, 'the part whose value is not 0');
  if (facts.isTwoGreys && facts.darkest < WHITE === facts.lightest < WHITE) {
    const middle = (facts.darkest + facts.lightest) / 2;
    return reading((i) => white[i]! > middle, 'the lighter of its two greys');
  }
  return reading((i) => white[i]! >= WHITE);
}

/** The alpha from which on a pixel counts as opaque: the middle, or that of values which all are above or below it. */
function opaqueFrom(alpha: Uint8Array | undefined): number {
  if (!alpha) return WHITE;
  let [least, most] = [255, 0];
  for (const value of alpha) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const isApart = most - least > NEAR && least < WHITE === most < WHITE;
  return isApart ? Math.ceil((least + most) / 2) : WHITE;
}

function factsOf({ pixels, alpha }: Picture, white: Uint8Array, opaque: number) {
  const brightest = (i: number) => Math.max(pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!);
  const spread = (i: number) =>
    brightest(i) - Math.min(pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!);
  const seen = new Uint32Array(256);
  let [transparent, coloured, blacks, whites] = [0, 0, 0, 0];
  for (let i = 0; i < white.length; i++) {
    seen[white[i]!]!++;
    if (alpha && alpha[i]! < opaque) {
      transparent++;
      continue;
    }
    const value = pixels[3 * i]!;
    if (pixels[3 * i + 1] === value && pixels[3 * i + 2] === value) {
      // Nearly all masks are grey, and have a value for each pixel of a picture.
      if (value <= NEAR) blacks++;
      else if (value >= 255 - NEAR) whites++;
    } else if (spread(i) >= COLOURFUL) coloured++;
    else if (brightest(i) <= NEAR) blacks++;
    else if (brightest(i) >= 255 - NEAR && spread(i) <= NEAR) whites++;
  }
  const [darkest, lightest] = [
    seen.findIndex((count) => count > 0),
    seen.findLastIndex((count) => count > 0),
  ];
  // Lossy formats blur the edge between them.
  const near = Math.min(NEAR, (lightest - darkest - 1) / 2);
  const between = seen
    .subarray(darkest, lightest + 1)
    .reduce((sum, count, i) => (i > near && i < lightest - darkest - near ? sum + count : sum), 0);
  return {
    brightest,
    spread,
    transparent,
    // A few are what lossy formats leave at edges.
    coloured: coloured > white.length / 1000 ? coloured : 0,
    isBlackAndWhite: blacks > 0 && whites > 0 && blacks + whites >= 0.9 * (white.length - transparent),
    darkest,
    lightest,
    /** How many different greys there are. */
    levels: seen.reduce((sum, count) => sum + Math.sign(count), 0),
    isTwoGreys: lightest > darkest && between <= white.length / 10,
  };
}

/** Whether nearly all pixels that are not 0 have a neighbour of the same value, as labels do and lossy formats' greys do not. */
function isFlat(white: Uint8Array, width: number): boolean {
  let [marked, alone] = [0, 0];
  for (let i = 0; i < white.length; i++) {
    if (white[i] === 0) continue;
    marked++;
    const neighbours = [i - width, i + width, i % width > 0 ? i - 1 : -1, (i + 1) % width > 0 ? i + 1 : -1];
    if (!neighbours.some((other) => white[other] === white[i])) alone++;
  }
  return alone <= marked / 10;
}

/** Brightness of each pixel over black, 0 … 255: the luma of ITU-R BT.601. */
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

/** Pixels of a mask: white where it is active, else black. */
export function rasterOfMask({ width, height, data }: Mask): Raster {
  return { width, height, channels: 1, data: Uint8Array.from(data, (value) => (value ? 255 : 0)) };
}

/** The same as a PNG file. */
export function encodeMask(mask: Mask): Promise<Uint8Array> {
  const { data, width, height } = rasterOfMask(mask);
  return encodeCoverage(data, width, height);
}
