import { compression } from '#host';
import { InputError } from '../errors.ts';
import { joined, latin1Bytes, uint32 } from './bytes.ts';

/**
 * Text in PNG files: the tEXt, zTXt and iTXt chunks of the PNG specification (w3.org/TR/png-3, 11.3.3), read and
 * inserted without touching the picture's data.
 */

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Bounds on text from untrusted files. */
const MAX_TEXT_BYTES = 1 << 20;
const MAX_TEXTS = 1000;

const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8');

export interface PngChunk {
  type: string;
  data: Uint8Array;
  /** With length, type and checksum. */
  bytes: Uint8Array;
}

/** The texts of a PNG file by keyword; of texts with one keyword the first. @throws InputError if it is no valid PNG. */
export function readPngText(png: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  for (const chunk of pngChunks(png)) {
    const entry = textOf(chunk);
    if (!entry || texts.has(entry.keyword)) continue;
    if (texts.size === MAX_TEXTS) throw malformed('it has too many texts');
    texts.set(entry.keyword, entry.text);
  }
  return texts;
}

/**
 * The PNG file with a text in place of those that had the keyword. Zero characters are left out.
 * @param keyword 1 to 79 characters of printable ASCII. @throws InputError if it is no valid PNG.
 */
export function withPngText(png: Uint8Array, keyword: string, text: string): Uint8Array {
  if (!/^[!-~]([ -~]{0,77}[!-~])?$/.test(keyword)) throw new RangeError(`${keyword} is no keyword.`);
  const [header, ...rest] = pngChunks(png);
  const kept = rest.filter((chunk) => textOf(chunk)?.keyword !== keyword);
  const added = textChunk(keyword, text.replaceAll('\0', ''));
  return pngOf([header!.bytes, added, ...kept.map((chunk) => chunk.bytes)]);
}

/** Whether a file begins as a PNG does. */
export function isPng(file: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => file[i] === byte);
}

/** The chunks of a file, its structure and the checksums checked. @throws InputError if it is no valid PNG. */
export function pngChunks(png: Uint8Array): PngChunk[] {
  if (!isPng(png)) throw malformed('it does not begin like one');
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: PngChunk[] = [];
  let offset = SIGNATURE.length;
  while (offset < png.length) {
    if (png.length - offset < 12) throw malformed('it is cut off');
    const length = view.getUint32(offset);
    const end = offset + 12 + length;
    if (end > png.length) throw malformed('it is cut off');
    const type = latin1.decode(png.subarray(offset + 4, offset + 8));
    if (compression.crc32(png.subarray(offset + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw malformed('a checksum is wrong');
    }
    const data = png.subarray(offset + 8, end - 4);
    chunks.push({ type, data, bytes: png.subarray(offset, end) });
    offset = end;
    if (type === 'IEND') break;
  }
  if (chunks[0]?.type !== 'IHDR' || chunks[0].data.length !== 13) throw malformed('it has no header');
  if (chunks[chunks.length - 1]!.type !== 'IEND') throw malformed('it is cut off');
  return chunks;
}

/** Keyword and text of a text chunk; undefined for others. */
function textOf({ type, data }: PngChunk): { keyword: string; text: string } | undefined {
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt') return undefined;
  const [keywordBytes, rest] = split(data);
  const keyword = latin1.decode(keywordBytes);
  if (type === 'tEXt') return { keyword, text: latin1.decode(bounded(rest)) };
  if (type === 'zTXt') return { keyword, text: latin1.decode(inflate(rest.subarray(1))) };
  const compressed = rest[0] === 1;
  const [, afterLanguage] = split(rest.subarray(2));
  const [, text] = split(afterLanguage);
  return { keyword, text: utf8.decode(compressed ? inflate(text) : bounded(text)) };
}

/** The bytes before and after the first zero. */
function split(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const zero = bytes.indexOf(0);
  if (zero < 0) throw malformed('a text has no end');
  return [bytes.subarray(0, zero), bytes.subarray(zero + 1)];
}

function bounded(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_TEXT_BYTES) throw malformed('a text is too long');
  return bytes;
}

function inflate(bytes: Uint8Array): Uint8Array {
  try {
    return compression.inflate(bytes, MAX_TEXT_BYTES);
  } catch {
    throw malformed('a compressed text is damaged or too long');
  }
}

/** A file of chunks, each with length, type and checksum. */
export function pngOf(chunks: readonly Uint8Array[]): Uint8Array {
  return joined(SIGNATURE, ...chunks);
}

/** A chunk's bytes with length, type and checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const typed = joined(latin1Bytes(type), data);
  return joined(uint32(data.length, 'big'), typed, uint32(compression.crc32(typed), 'big'));
}

/** tEXt for Latin-1, iTXt for the rest. */
function textChunk(keyword: string, text: string): Uint8Array {
  const isLatin1 = /^[\n -~\u00a0-\u00ff]*$/.test(text);
  const data = isLatin1
    ? latin1Bytes(`${keyword}\0${text}`)
    : joined(latin1Bytes(`${keyword}\0\0\0\0\0`), new TextEncoder().encode(text));
  return pngChunk(isLatin1 ? 'tEXt' : 'iTXt', data);
}

function malformed(what: string): InputError {
  return new InputError(`The file is not a valid PNG: ${what}.`);
}
