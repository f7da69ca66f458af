/** Metadata of pictures as bytes: read by the codecs, written into files that they made from bare pixels. */
import { compression } from '#host';
import { joined, latin1Bytes, uint32, viewOf } from '../bytes.ts';
import { chunkType, pngChunk, selectedChunks, withChunks, withChunksOf } from './png-chunks.ts';

/** How pixels must be displayed, and what the camera or a program has noted, each in the form of its standard. */
export interface PictureMetadata {
  /** TIFF structure with or without the prefix `Exif\0\0`. */
  exif?: Uint8Array;
  /** ICC profile. */
  icc?: Uint8Array;
  /** XMP packet, UTF-8. */
  xmp?: Uint8Array;
}

const PICTURE_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** The file with this metadata; it must have none of its own. */
export function withMetadata(file: Uint8Array, format: PictureFormat, metadata: PictureMetadata): Uint8Array {
  if (!metadata.exif && !metadata.icc && !metadata.xmp) return file;
  const write = { png: intoPng, jpeg: intoJpeg, webp: intoWebp }[format];
  return write(file, { ...metadata, exif: metadata.exif && withoutPrefix(metadata.exif) });
}

const EXIF_PREFIX = latin1Bytes('Exif\0\0');

function withoutPrefix(exif: Uint8Array): Uint8Array {
  return EXIF_PREFIX.every((byte, i) => exif[i] === byte) ? exif.subarray(6) : exif;
}

/** A PNG file's chunks that say how its pixels must be displayed, then those with other facts about the picture. */
const COLOURS = ['iCCP', 'sRGB', 'gAMA', 'cHRM', 'cICP'].map(chunkType);
const OTHERS = ['eXIf', 'pHYs', 'tIME', 'tEXt', 'zTXt', 'iTXt'].map(chunkType);

/**
 * The PNG file `to` with the metadata and texts of `from`, each chunk unchanged, even if it is long, damaged or has a
 * wrong checksum.
 * @param colours whether the pixels of `to` are in the colour space of `from`. @throws InputError if one is no PNG.
 */
export async function carryPngMetadata(
  from: Uint8Array,
  to: Uint8Array,
  colours: boolean,
): Promise<Uint8Array> {
  const carried = new Set([...(colours ? COLOURS : []), ...OTHERS]);
  const chunks = await selectedChunks(from, ({ type }) => carried.has(type));
  return withChunksOf(to, chunks, ({ type }) => !carried.has(type));
}

/** Chunks of w3.org/TR/png-3: iCCP (11.3.2.3), eXIf (11.3.4.5), and XMP in an iTXt. */
function intoPng(png: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const added: Uint8Array[] = [];
  if (icc) added.push(pngChunk('iCCP', joined(latin1Bytes('icc\0\0'), compression.deflate(icc))));
  if (exif) added.push(pngChunk('eXIf', exif));
  if (xmp) added.push(pngChunk('iTXt', joined(latin1Bytes('XML:com.adobe.xmp\0\0\0\0\0'), xmp)));
  return withChunks(png, joined(...added), () => true);
}

/** Bytes that a JPEG segment can hold beside its length. */
const SEGMENT = 0xffff - 2;
const ICC_PREFIX = latin1Bytes('ICC_PROFILE\0');

/** Application segments behind the start of the image: APP1 for EXIF and XMP, APP2 for the profile (ICC.1, B.4). */
function intoJpeg(jpeg: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const segments: Uint8Array[] = [];
  const fitting = (marker: number, data: Uint8Array) => {
    if (data.length <= SEGMENT) segments.push(segment(marker, data));
  };
  if (exif) fitting(0xe1, joined(EXIF_PREFIX, exif));
  if (xmp) fitting(0xe1, joined(latin1Bytes('http://ns.adobe.com/xap/1.0/\0'), xmp));
  if (icc) {
    const room = SEGMENT - ICC_PREFIX.length - 2;
    const count = Math.ceil(icc.length / room);
    for (let i = 0; i < count; i++) {
      const part = icc.subarray(i * room, (i + 1) * room);
      segments.push(segment(0xe2, joined(ICC_PREFIX, Uint8Array.of(i + 1, count), part)));
    }
  }
  return joined(jpeg.subarray(0, 2), ...segments, jpeg.subarray(2));
}

function segment(marker: number, data: Uint8Array): Uint8Array {
  const length = data.length + 2;
  return joined(Uint8Array.of(0xff, marker, length >> 8, length & 0xff), data);
}

/** The extended form of a WebP file (RFC 9649, 2.7): VP8X, then the profile, the picture, EXIF and XMP. */
function intoWebp(webp: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const chunks = riffChunks(webp).filter(({ type }) => type !== 'VP8X');
  const { width, height, alpha } = webpFacts(webp);
  const flags = (icc ? 0x20 : 0) | (alpha ? 0x10 : 0) | (exif ? 0x08 : 0) | (xmp ? 0x04 : 0);
  const side = (pixels: number) => uint32(pixels - 1, 'little').subarray(0, 3);
  const vp8x = joined(Uint8Array.of(flags, 0, 0, 0), side(width), side(height));
  const body = joined(
    latin1Bytes('WEBP'),
    riffChunk('VP8X', vp8x),
    ...(icc ? [riffChunk('ICCP', icc)] : []),
    ...chunks.map(({ type, data }) => riffChunk(type, data)),
    ...(exif ? [riffChunk('EXIF', exif)] : []),
    ...(xmp ? [riffChunk('XMP ', xmp)] : []),
  );
  return joined(latin1Bytes('RIFF'), uint32(body.length, 'little'), body);
}

/** Whether a WebP file's picture is stored without loss. */
export function isLosslessWebp(webp: Uint8Array): boolean {
  return riffChunks(webp).some(({ type }) => type === 'VP8L');
}

/** Size and alpha from the bitstream's header: RFC 6386, 9.1, or the lossless bitstream's (RFC 9649, 3.4). */
function webpFacts(webp: Uint8Array): { width: number; height: number; alpha: boolean } {
  const chunks = riffChunks(webp);
  const picture = chunks.find(({ type }) => type === 'VP8 ' || type === 'VP8L');
  if (!picture) throw new Error('the WebP file has no picture');
  const data = viewOf(picture.data);
  if (picture.type === 'VP8L') {
    const bits = data.getUint32(1, true);
    const alpha = ((bits >>> 28) & 1) === 1;
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha };
  }
  const alpha = chunks.some(({ type }) => type === 'ALPH');
  return { width: data.getUint16(6, true) & 0x3fff, height: data.getUint16(8, true) & 0x3fff, alpha };
}

function riffChunks(file: Uint8Array): { type: string; data: Uint8Array }[] {
  const view = viewOf(file);
  const chunks: { type: string; data: Uint8Array }[] = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > file.length) break;
    const type = String.fromCharCode(...file.subarray(at, at + 4));
    chunks.push({ type, data: file.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function riffChunk(type: string, data: Uint8Array): Uint8Array {
  const padding = new Uint8Array(data.length % 2);
  return joined(latin1Bytes(type), uint32(data.length, 'little'), data, padding);
}
