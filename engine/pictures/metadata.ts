/** Metadata of pictures as bytes: read by sharp, written into files that sharp made from bare pixels. */
import { deflateSync } from 'node:zlib';
import { pngChunk, pngChunks, pngOf } from './png-text.ts';

/** What says how pixels are to be seen, and what else the camera or a program noted; each as the standards lay it out. */
export interface PictureMetadata {
  /** TIFF structure with or without the prefix `Exif\0\0`. */
  exif?: Uint8Array;
  /** ICC profile. */
  icc?: Uint8Array;
  /** XMP packet, UTF-8. */
  xmp?: Uint8Array;
}

export const PICTURE_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** The file with this metadata; it must have none of its own. */
export function withMetadata(file: Uint8Array, format: PictureFormat, metadata: PictureMetadata): Uint8Array {
  if (!metadata.exif && !metadata.icc && !metadata.xmp) return file;
  const write = { png: intoPng, jpeg: intoJpeg, webp: intoWebp }[format];
  return write(file, { ...metadata, exif: metadata.exif && withoutPrefix(metadata.exif) });
}

const EXIF_PREFIX = Buffer.from('Exif\0\0', 'latin1');

function withoutPrefix(exif: Uint8Array): Uint8Array {
  return EXIF_PREFIX.equals(exif.subarray(0, 6)) ? exif.subarray(6) : exif;
}

/** Of a PNG file, what belongs to the picture and not to the way that its pixels are stored. */
const CARRIED = ['eXIf', 'iCCP', 'sRGB', 'gAMA', 'cHRM', 'cICP', 'pHYs', 'tIME', 'tEXt', 'zTXt', 'iTXt'];

/** The PNG file `to` with the metadata and texts of `from`. @throws InputError if one of them is no valid PNG. */
export function carryPngMetadata(from: Uint8Array, to: Uint8Array): Uint8Array {
  const [header, ...rest] = pngChunks(to);
  const carried = pngChunks(from).filter(({ type }) => CARRIED.includes(type));
  const kept = rest.filter(({ type }) => !CARRIED.includes(type));
  return pngOf([header!, ...carried, ...kept].map(({ bytes }) => bytes));
}

/** Chunks of w3.org/TR/png-3: iCCP (11.3.2.3), eXIf (11.3.4.5), and XMP in an iTXt. */
function intoPng(png: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const [header, ...rest] = pngChunks(png);
  const added: Uint8Array[] = [];
  if (icc) added.push(pngChunk('iCCP', Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(icc)])));
  if (exif) added.push(pngChunk('eXIf', exif));
  if (xmp)
    added.push(pngChunk('iTXt', Buffer.concat([Buffer.from('XML:com.adobe.xmp\0\0\0\0\0', 'latin1'), xmp])));
  return pngOf([header!.bytes, ...added, ...rest.map(({ bytes }) => bytes)]);
}

/** Bytes that a JPEG segment can hold beside its length. */
const SEGMENT = 0xffff - 2;
const ICC_PREFIX = Buffer.from('ICC_PROFILE\0', 'latin1');

/** Application segments behind the start of the image: APP1 for EXIF and XMP, APP2 for the profile (ICC.1, B.4). */
function intoJpeg(jpeg: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const segments: Uint8Array[] = [];
  const fitting = (marker: number, data: Uint8Array) => {
    if (data.length <= SEGMENT) segments.push(segment(marker, data));
  };
  if (exif) fitting(0xe1, Buffer.concat([EXIF_PREFIX, exif]));
  if (xmp) fitting(0xe1, Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'), xmp]));
  if (icc) {
    const room = SEGMENT - ICC_PREFIX.length - 2;
    const count = Math.ceil(icc.length / room);
    for (let i = 0; i < count; i++) {
      const part = icc.subarray(i * room, (i + 1) * room);
      segments.push(segment(0xe2, Buffer.concat([ICC_PREFIX, Uint8Array.of(i + 1, count), part])));
    }
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

function segment(marker: number, data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt8(0xff, 0);
  head.writeUInt8(marker, 1);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** The extended form of a WebP file (RFC 9649, 2.7): VP8X, then the profile, the picture, EXIF and XMP. */
function intoWebp(webp: Uint8Array, { exif, icc, xmp }: PictureMetadata): Uint8Array {
  const chunks = riffChunks(webp).filter(({ type }) => type !== 'VP8X');
  const vp8x = Buffer.alloc(10);
  const { width, height, alpha } = webpFacts(webp);
  vp8x.writeUInt8((icc ? 0x20 : 0) | (alpha ? 0x10 : 0) | (exif ? 0x08 : 0) | (xmp ? 0x04 : 0), 0);
  vp8x.writeUIntLE(width - 1, 4, 3);
  vp8x.writeUIntLE(height - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from('WEBP', 'latin1'),
    riffChunk('VP8X', vp8x),
    ...(icc ? [riffChunk('ICCP', icc)] : []),
    ...chunks.map(({ type, data }) => riffChunk(type, data)),
    ...(exif ? [riffChunk('EXIF', exif)] : []),
    ...(xmp ? [riffChunk('XMP ', xmp)] : []),
  ]);
  const head = Buffer.alloc(8);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
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
  const data = Buffer.from(picture.data.buffer, picture.data.byteOffset, picture.data.length);
  if (picture.type === 'VP8L') {
    const bits = data.readUInt32LE(1);
    const alpha = ((bits >>> 28) & 1) === 1;
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, alpha };
  }
  const alpha = chunks.some(({ type }) => type === 'ALPH');
  return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff, alpha };
}

function riffChunks(file: Uint8Array): { type: string; data: Uint8Array }[] {
  const view = Buffer.from(file.buffer, file.byteOffset, file.length);
  const chunks: { type: string; data: Uint8Array }[] = [];
  for (let at = 12; at + 8 <= view.length; ) {
    const length = view.readUInt32LE(at + 4);
    if (at + 8 + length > view.length) break;
    chunks.push({ type: view.toString('latin1', at, at + 4), data: file.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function riffChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(8 + data.length + (data.length % 2));
  chunk.write(type, 0, 'latin1');
  chunk.writeUInt32LE(data.length, 4);
  chunk.set(data, 8);
  return chunk;
}
