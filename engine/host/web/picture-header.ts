/** What an image file says about itself, read from its bytes, because a browser decodes pixels only. */
import { concatenated } from '../../bytes.ts';
import type { PictureHeader } from '../host.ts';
import { compression } from './compression.ts';
import { pngParts } from './png.ts';

/** Bytes of a profile, inflated. */
const MAX_PROFILE = 16 << 20;

type Facts = Partial<PictureHeader> & Pick<PictureHeader, 'width' | 'height'>;

/**
 * The header of PNG, JPEG, WebP and GIF files; undefined for others, whose size only the decoder knows. @throws if
 * damaged
 */
export function readHeader(file: Uint8Array): PictureHeader | undefined {
  const [format, facts] =
    file[0] === 0x89
      ? ['png', pngHeader(file)]
      : file[0] === 0xff
        ? ['jpeg', jpegHeader(file)]
        : text(file, 0, 4) === 'RIFF'
          ? ['webp', webpHeader(file)]
          : text(file, 0, 3) === 'GIF'
            ? ['gif', gifHeader(file)]
            : [undefined, undefined];
  if (!format || !facts) return undefined;
  const orientation = facts.exif ? orientationIn(facts.exif) : 1;
  return { format, pages: 1, space: 'srgb', depth: 8, palette: false, orientation, ...facts };
}

function pngHeader(file: Uint8Array): Facts {
  const { width, height, depth, colours, chunks } = pngParts(file);
  const grey = colours === 0 || colours === 4;
  const profile = chunks.get('iCCP')?.[0];
  return {
    width,
    height,
    space: depth === 16 ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb',
    depth: depth === 16 ? 16 : 8,
    palette: colours === 3,
    exif: chunks.get('eXIf')?.[0],
    icc: profile && profileIn(profile),
  };
}

/** A name, its end, a method, then the profile deflated (w3.org/TR/png-3, 11.3.2.3). */
function profileIn(chunk: Uint8Array): Uint8Array | undefined {
  try {
    return compression.inflate(chunk.subarray(chunk.indexOf(0) + 2), MAX_PROFILE);
  } catch {
    return undefined;
  }
}

const EXIF = 'Exif\0\0';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const ICC = 'ICC_PROFILE\0';

/** Segments up to the pixels (ITU T.81, B.1.1.4). */
function jpegHeader(file: Uint8Array): Facts {
  const found: Partial<PictureHeader> = {};
  const profile: { number: number; data: Uint8Array }[] = [];
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) throw new Error('damaged');
    const marker = file[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = (file[at + 2]! << 8) | file[at + 3]!;
    const data = file.subarray(at + 4, at + 2 + length);
    const begins = (prefix: string) => text(data, 0, prefix.length) === prefix;
    if (marker === 0xe1 && begins(EXIF)) found.exif = data;
    else if (marker === 0xe1 && begins(XMP)) found.xmp = data.subarray(XMP.length);
    else if (marker === 0xe2 && begins(ICC)) profile.push({ number: data[12]!, data: data.subarray(14) });
    // Start of frame, of all kinds; not the tables between them.
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const sorted = profile.sort((a, b) => a.number - b.number);
      const icc = sorted.length > 0 ? { icc: concatenated(sorted.map(({ data: part }) => part)) } : {};
      const space = { 1: 'b-w', 4: 'cmyk' }[data[5]!] ?? 'srgb';
      return {
        ...found,
        ...icc,
        width: (data[3]! << 8) | data[4]!,
        height: (data[1]! << 8) | data[2]!,
        space,
      };
    }
    at += 2 + length;
  }
  throw new Error('no picture');
}

/** RFC 9649, 2.3 to 2.7. */
function webpHeader(file: Uint8Array): Facts {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const facts: Partial<PictureHeader> = {};
  let pages = 0;
  for (let at = 12; at + 8 <= file.length; ) {
    const length = view.getUint32(at + 4, true);
    const type = text(file, at, 4);
    const data = file.subarray(at + 8, at + 8 + length);
    const number = (from: number, bytes: number) =>
      Array.from({ length: bytes }, (_, i) => (data[from + i] ?? 0) << (8 * i)).reduce((a, b) => a + b, 0);
    if (type === 'VP8X') Object.assign(facts, { width: number(4, 3) + 1, height: number(7, 3) + 1 });
    if (type === 'VP8 ' && !facts.width)
      Object.assign(facts, { width: number(6, 2) & 0x3fff, height: number(8, 2) & 0x3fff });
    if (type === 'VP8L' && !facts.width) {
      const bits = number(1, 4);
      Object.assign(facts, { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 });
    }
    if (type === 'ANMF') pages++;
    if (type === 'EXIF') facts.exif = data;
    if (type === 'ICCP') facts.icc = data;
    if (type === 'XMP ') facts.xmp = data;
    at += 8 + length + (length % 2);
  }
  if (!facts.width || !facts.height) throw new Error('no picture');
  return { ...facts, width: facts.width, height: facts.height, pages: Math.max(1, pages) };
}

/** Counts the image blocks of GIF89a; more than one is an animation. */
function gifHeader(file: Uint8Array): Facts {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let pages = 0;
  let at = 13 + tableBytes(file[10]!);
  const skipBlocks = () => {
    while (at < file.length && file[at] !== 0) at += 1 + file[at]!;
    at++;
  };
  while (at < file.length && file[at] !== 0x3b) {
    if (file[at] === 0x2c) {
      pages++;
      at += 11 + tableBytes(file[at + 9]!);
      skipBlocks();
    } else if (file[at] === 0x21) {
      at += 2;
      skipBlocks();
    } else break;
  }
  if (pages === 0) throw new Error('no picture');
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), palette: true, pages };
}

/** The tag 0x0112 of the first directory (CIPA DC-008, 4.6.4); 1 if it is missing or invalid. */
function orientationIn(exif: Uint8Array): number {
  const tiff = text(exif, 0, 6) === EXIF ? exif.subarray(6) : exif;
  if (tiff.length < 14) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count && directory + 14 + 12 * i <= tiff.length; i++) {
    const entry = directory + 2 + 12 * i;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

function text(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}
