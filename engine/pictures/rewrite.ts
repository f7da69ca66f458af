import { codecs, type EncodeOptions, type PictureHeader, type Pixels } from '#host';
import type { Recipe } from '../../shared/api.ts';
import { type Area, sameArea, wholeOf } from '../../shared/raster.ts';
import { InputError } from '../errors.ts';
import {
  carryPngMetadata,
  isLosslessWebp,
  type PictureFormat,
  type PictureMetadata,
  withMetadata,
} from './metadata.ts';
import { type OpenedPicture, openPicture } from './open.ts';
import { hasChunk } from './png-chunks.ts';
import { decodeOpened, type Picture } from './read.ts';
import { withRecipe } from './recipe.ts';
import { inTurns } from './turns.ts';

/** Quality of lossy formats. */
export const LOSSY_QUALITY = 95;

interface Rewritten {
  bytes: Uint8Array;
  /** Pixels that were not repainted keep their exact values. */
  exact: boolean;
}

/**
 * Writes changed pixels into an image file. Unchanged pixels keep their values, in the file's own colour space, depth
 * and orientation; alpha, EXIF, colour profile, XMP and texts are kept. Lossless files stay lossless.
 * @param original the file. @param pixels RGB of the upright picture in sRGB, [height, width, 3]; see `decodePicture`.
 * @param format of the new file. `recipe` goes into PNG files; `frame`: where the pixels are in the original, if they are
 * more or fewer than it has.
 * @throws InputError if the original cannot be read or is an animation.
 */
export async function rewritePicture(
  original: Uint8Array,
  pixels: Uint8Array,
  format: PictureFormat,
  { recipe, frame: given }: { recipe?: Recipe; frame?: Area } = {},
): Promise<Rewritten> {
  const opened = await openPicture(original, 'The image');
  const { header } = opened;
  requireStill(original, header, 'The image');
  const seen = await decodeOpened(opened, original);
  const frame = given ?? wholeOf(seen);
  if (pixels.length !== 3 * frame.width * frame.height) throw new Error('the pixels are not of this picture');
  const task = { original, opened, seen, pixels, frame, format, recipe };
  // Grey and CMYK profiles do not fit the RGB pixels of a repainted image.
  const rgb = header.space === 'srgb' || header.space === 'rgb' || header.space === 'rgb16';
  const own = rgb && (await inOwnColours(task));
  return own || rewrite(task, false);
}

interface Task {
  original: Uint8Array;
  opened: OpenedPicture;
  seen: Picture;
  pixels: Uint8Array;
  frame: Area;
  format: PictureFormat;
  recipe: Recipe | undefined;
}

/** Keeps the file's colour space. Undefined if its profile is damaged, or would be read differently in the new file. */
async function inOwnColours(task: Task): Promise<Rewritten | undefined> {
  const { icc, format } = task.opened.header;
  if (!icc) return rewrite(task, true);
  const painted = await codecs
    .toProfile({ width: task.frame.width, height: task.frame.height, channels: 3, data: task.pixels }, icc)
    .catch(() => undefined);
  if (!painted) return undefined;
  const rewritten = await rewrite(task, true, painted);
  // Only PNG readers validate profiles, and all readers of one format treat a profile alike.
  if (task.format !== 'png' || format === 'png') return rewritten;
  const again = await openPicture(rewritten.bytes, 'The image');
  return (await looksTheSame(task, await again.decode())) ? rewritten : undefined;
}

/** Whether the unpainted part looks the same in the new, lossless file as in the old one. */
async function looksTheSame({ seen, pixels, frame }: Task, now: Pixels): Promise<boolean> {
  const { channels, data } = now;
  let same = channels >= 3 && data.length === channels * frame.width * frame.height;
  await eachPixel(frame, (i, x, y) => {
    const old = placeIn(seen, x + frame.left, y + frame.top);
    for (let c = 0; same && old >= 0 && c < 3; c++) {
      const before = seen.pixels[3 * old + c]!;
      if (pixels[3 * i + c] === before && Math.abs(data[channels * i + c]! - before) > 1) same = false;
    }
  });
  return same;
}

/**
 * @param ownColours the file's own RGB space and profile, for which `painted` has the pixels; else sRGB without one.
 */
async function rewrite(task: Task, ownColours: boolean, painted = task.pixels): Promise<Rewritten> {
  const { original, opened, format, recipe } = task;
  const { header } = opened;
  const deep = header.depth === 16 && format === 'png';
  const stored = await opened.decodeStored({ depth: deep ? 16 : 8, ignoreProfile: ownColours });
  const info = await repaint(task, stored, painted, deep ? 257 : 1);

  const lossless = format === 'png' || (format === 'webp' && staysLossless(original, header));
  const bare = await codecs.encode(info, encoding(format, lossless));
  const profile = ownColours ? header.icc : undefined;
  const carried: PictureMetadata = { exif: header.exif, xmp: header.xmp, icc: profile };
  const samePng = format === 'png' && header.format === 'png';
  const bytes = samePng
    ? await carryPngMetadata(original, bare, ownColours)
    : withMetadata(bare, format, carried);
  const sameValues = ownColours || (header.space === 'b-w' && !header.icc);
  const exact = lossless && sameValues && (deep || header.depth === 8);
  return { bytes: format === 'png' && recipe ? withRecipe(bytes, recipe) : bytes, exact };
}

/**
 * The stored pixels with what was painted put over them, on the frame's canvas.
 * @param unit of the stored values, for each of `painted`
 */
async function repaint(
  { opened, seen, pixels, frame }: Task,
  stored: Pixels<Uint8Array | Uint16Array>,
  painted: Uint8Array,
  unit: number,
): Promise<Pixels<Uint8Array | Uint16Array>> {
  const { orientation } = opened.header;
  const { channels, data: old } = stored;
  const result = sameArea(frame, wholeOf(seen)) ? stored : onCanvas(stored, frame, orientation);
  const from = storedPlace(orientation, stored.width, stored.height);
  const to = storedPlace(orientation, result.width, result.height);
  await eachPixel(frame, (i, x, y) => {
    const [u, v] = [x + frame.left, y + frame.top];
    const place = placeIn(seen, u, v);
    const at = channels * to(x, y);
    if (result !== stored && place >= 0) {
      const source = channels * from(u, v);
      for (let c = 0; c < channels; c++) result.data[at + c] = old[source + c]!;
    }
    if (place >= 0 && sameColour(pixels, 3 * i, seen.pixels, 3 * place)) return;
    for (let c = 0; c < 3; c++) result.data[at + c] = painted[3 * i + c]! * unit;
  });
  return result;
}

/** An opaque canvas of the frame's size, in the stored orientation. */
function onCanvas(
  { channels, data, ...stored }: Pixels<Uint8Array | Uint16Array>,
  { width, height }: Area,
  orientation: number,
): Pixels<Uint8Array | Uint16Array> {
  // The sides change places from 5 on.
  const size = orientation >= 5 ? { width: height, height: width } : { width, height };
  const length = channels * width * height;
  const fresh = data instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  if (channels === 4) fresh.fill(data instanceof Uint16Array ? 65_535 : 255);
  return { ...stored, ...size, channels, data: fresh };
}

/** Calls `use` for each pixel with its index and its place, in turns with other work. */
function eachPixel({ width, height }: Area, use: (i: number, x: number, y: number) => void): Promise<void> {
  return inTurns(width * height, (begin, end) => {
    let [x, y] = [begin % width, Math.floor(begin / width)];
    for (let i = begin; i < end; i++) {
      use(i, x, y);
      if (++x === width) [x, y] = [0, y + 1];
    }
  });
}

/** Index of a pixel; −1 beyond the picture. */
function placeIn({ width, height }: Picture, x: number, y: number): number {
  return x >= 0 && y >= 0 && x < width && y < height ? y * width + x : -1;
}

function sameColour(a: Uint8Array, i: number, b: Uint8Array, j: number): boolean {
  return a[i] === b[j] && a[i + 1] === b[j + 1] && a[i + 2] === b[j + 2];
}

/**
 * Says what a file will lose when it is rewritten: sentences for the user, or none.
 * @throws Error if it cannot be read
 */
export async function lossesOf(original: Uint8Array, format: PictureFormat): Promise<string[]> {
  const { header } = await openPicture(original, 'The image');
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
 * Decodes an image for editing; see `decodePicture`.
 * @throws InputError if it cannot be read or is an animation.
 */
export async function decodeStill(file: Uint8Array, name: string): Promise<Picture> {
  const opened = await openPicture(file, name);
  requireStill(file, opened.header, name);
  return decodeOpened(opened, file);
}

/** Checks a still image's header. @throws InputError as `decodeStill` does */
export async function checkStill(file: Uint8Array, name: string): Promise<void> {
  const { header } = await openPicture(file, name);
  requireStill(file, header, name);
}

/** Refuses animations, whose other frames would be lost. */
function requireStill(
  file: Uint8Array,
  { format, pages }: Pick<PictureHeader, 'format' | 'pages'>,
  name: string,
): void {
  const animated = pages > 1 || (format === 'png' && hasChunk(file, 'acTL'));
  if (animated)
    throw new InputError(
      `${name} is animated, so it cannot be edited: save one of its frames as an image first.`,
    );
}

function encoding(format: PictureFormat, lossless: boolean): EncodeOptions {
  if (format === 'png') return { format };
  return format === 'webp' && lossless ? { format, lossless } : { format, quality: LOSSY_QUALITY };
}

/** Whether the file is lossless. */
function staysLossless(original: Uint8Array, { format }: PictureHeader): boolean {
  return format === 'webp' ? isLosslessWebp(original) : format !== 'jpeg';
}

/**
 * Index at which a pixel of the upright image is stored, y · width + x.
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
