import { codecs, type DecodeLimits, type PictureHeader, type Pixels, type StoredOptions } from '#host';
import { messageOf } from '../../shared/errorMessage.ts';
import { LIMITS } from '../../shared/limits.ts';
import { InputError } from '../errors.ts';
import { decodedFormat } from './format.ts';
import { chunkType, PngWalk, withChunksOf } from './png-chunks.ts';
import { readPngText } from './png-text.ts';

/** Bounds on pictures from anywhere, checked before a pixel is decoded. */
export const PICTURE_LIMITS = {
  /** Pixels along one side. */
  side: 8192,
  pixels: 40_000_000,
  fileBytes: LIMITS.fileBytes,
  /** Time that a decoder may take. */
  seconds: 60,
} as const;

/** A file that begins as a picture does and is within the bounds: the one way to a decoder. */
export interface OpenedPicture {
  readonly header: PictureHeader;
  /** The image as displayed: upright, sRGB, 8 bits. @throws InputError if it is damaged or takes too long */
  decode(): Promise<Pixels>;
  /** The image as stored. @throws InputError as `decode` does */
  decodeStored(options: StoredOptions): Promise<Pixels<Uint8Array | Uint16Array>>;
}

/**
 * Inspects a file's content; its name does not matter.
 * @param name for errors. @throws InputError in one sentence: not a picture, of a format that is not decoded, damaged,
 * or beyond `PICTURE_LIMITS`
 */
export async function openPicture(
  bytes: Uint8Array,
  name: string,
  { pixels, seconds }: DecodeLimits = PICTURE_LIMITS,
): Promise<OpenedPicture> {
  if (bytes.length === 0) throw new InputError(`${name} is empty.`);
  const unreadable = `${name} is not an image that can be read, or is damaged.`;
  const found = decodedFormat(bytes);
  if (!('format' in found)) throw new InputError(found.other ? `${name} is ${found.other}.` : unreadable);
  const file = found.format === 'png' ? await barePng(bytes) : bytes;
  const late = `${name} takes too long to decode.`;
  const header = await withinTime(codecs.header(file), seconds).catch((error: unknown) => {
    throw new InputError(isLate(error) ? late : unreadable, { cause: error });
  });
  checkSize(header.width, header.height, name);
  const failed = (error: unknown): never => {
    const damaged = `${name} is damaged or cut off: it cannot be decoded.`;
    throw new InputError(isLate(error) ? late : damaged, { cause: error });
  };
  const limits = { pixels, seconds };
  return {
    header: found.format === 'png' ? { ...header, xmp: xmpOf(bytes) } : header,
    decode: () => withinTime(codecs.decode(file, limits), seconds).catch(failed),
    decodeStored: (options) => withinTime(codecs.decodeStored(file, limits, options), seconds).catch(failed),
  };
}

/** A decoder may ignore its own limit: where it reads a file in one call, nothing can stop it. */
async function withinTime<Result>(work: Promise<Result>, seconds: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), 1000 * seconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a limit on time has ended a decoder, ours or its own. */
function isLate(error: unknown): boolean {
  return /^timeout/i.test(messageOf(error));
}

function checkSize(width: number | undefined, height: number | undefined, name: string): void {
  const { side, pixels } = PICTURE_LIMITS;
  if (!width || !height) throw new InputError(`${name} has no size, so it cannot be opened.`);
  if (width > side || height > side || width * height > pixels)
    throw new InputError(
      `${name} is ${width}×${height} pixels; at most ${side} pixels along a side and ${pixels / 1e6} megapixels can be opened.`,
    );
}

/** Chunks that a decoder needs. Of all types but pixels only the first chunk counts. */
const PIXELS = new Set(['PLTE', 'tRNS', 'IDAT', 'IEND'].map(chunkType));
const ONCE = new Set(['iCCP', 'sRGB', 'gAMA', 'cHRM', 'cICP', 'pHYs', 'eXIf'].map(chunkType));

/** A PNG file without the chunks that a decoder does not need: libpng inflates every text, which can take seconds and
 * gigabytes. */
async function barePng(png: Uint8Array): Promise<Uint8Array> {
  const seen = new Set<number>();
  const needed = ({ type }: PngWalk) => {
    if (PIXELS.has(type)) return true;
    if (!ONCE.has(type) || seen.has(type)) return false;
    seen.add(type);
    return true;
  };
  const walk = new PngWalk(png);
  if (!walk.next() || walk.type !== chunkType('IHDR')) return png;
  return await withChunksOf(png, new Uint8Array(0), needed);
}

function xmpOf(png: Uint8Array): Uint8Array | undefined {
  const text = readPngText(png, 'XML:com.adobe.xmp');
  return text === undefined ? undefined : new TextEncoder().encode(text);
}
