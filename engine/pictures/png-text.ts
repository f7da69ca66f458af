/**
 * Text in PNG files: the tEXt, zTXt and iTXt chunks of the PNG specification (w3.org/TR/png-3, 11.3.3), read and
 * inserted without touching the image data. Only keywords are read until a text is requested.
 */
import { compression } from '#host';
import { joined, latin1Bytes, textOf } from '../bytes.ts';
import { chunkType, PngWalk, pngChunk, withChunks } from './png-chunks.ts';

/** Longer texts are not read, but stay in the file. */
const MAX_TEXT_BYTES = 1 << 20;

/** Most chunks that are searched for a text, and most texts with its keyword that are tried. */
const MAX_CHUNKS = 1 << 20;
const MAX_TRIES = 8;

const TEXT = chunkType('tEXt');
const COMPRESSED_TEXT = chunkType('zTXt');
const INTERNATIONAL_TEXT = chunkType('iTXt');

const utf8 = new TextDecoder('utf-8');

/** Whether a chunk holds a text. */
function isText({ type }: PngWalk): boolean {
  return type === TEXT || type === COMPRESSED_TEXT || type === INTERNATIONAL_TEXT;
}

/**
 * The first readable text with a keyword; undefined if there is none. Damaged and long texts are skipped.
 * @throws InputError if the file has no PNG signature.
 */
export function readPngText(png: Uint8Array, keyword: string): string | undefined {
  const walk = new PngWalk(png);
  const begin = latin1Bytes(`${keyword}\0`);
  for (let count = 0, tries = 0; count < MAX_CHUNKS && tries < MAX_TRIES && walk.next(); count++) {
    if (!isText(walk) || !walk.startsWith(begin)) continue;
    tries++;
    const text = textIn(walk.type, walk.data.subarray(begin.length));
    if (text !== undefined) return text;
  }
  return undefined;
}

/**
 * Replaces all texts with a keyword by one text. NUL characters are removed.
 * @param keyword 1 to 79 characters of printable ASCII. @throws InputError if it is not a PNG file.
 */
export function withPngText(png: Uint8Array, keyword: string, text: string): Uint8Array {
  if (!/^[!-~]([ -~]{0,77}[!-~])?$/.test(keyword)) throw new RangeError(`${keyword} is no keyword.`);
  const begin = latin1Bytes(`${keyword}\0`);
  const added = textChunk(keyword, text.replaceAll('\0', ''));
  return withChunks(png, added, (walk) => !isText(walk) || !walk.startsWith(begin));
}

/** The text after the keyword of a chunk; undefined if it is damaged or too long. */
function textIn(type: number, rest: Uint8Array): string | undefined {
  // Compressed data are never much longer than the text.
  if (rest.length > MAX_TEXT_BYTES + 1024) return undefined;
  if (type === TEXT) return decoded(bounded(rest));
  if (type === COMPRESSED_TEXT) return decoded(inflated(rest.subarray(1)));
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return undefined;
  const text = rest.subarray(translated + 1);
  const bytes = rest[0] === 1 ? inflated(text) : bounded(text);
  return bytes && utf8.decode(bytes);
}

/** The specification says Latin-1, but tools also write UTF-8. */
function decoded(bytes: Uint8Array | undefined): string | undefined {
  return bytes && textOf(bytes);
}

function bounded(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > MAX_TEXT_BYTES ? undefined : bytes;
}

function inflated(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return compression.inflate(bytes, MAX_TEXT_BYTES);
  } catch {
    return undefined;
  }
}

/** tEXt for Latin-1 that cannot be taken for UTF-8, otherwise iTXt. */
function textChunk(keyword: string, text: string): Uint8Array {
  if (/^[\n -~\u00a0-\u00ff]*$/.test(text)) {
    const bytes = latin1Bytes(text);
    if (decoded(bytes) === text) return pngChunk('tEXt', joined(latin1Bytes(`${keyword}\0`), bytes));
  }
  return pngChunk('iTXt', joined(latin1Bytes(`${keyword}\0\0\0\0\0`), new TextEncoder().encode(text)));
}
