/**
 * EXIF's UserComment, where Stable Diffusion tools store the recipe in formats without text chunks.
 * Tags and types: CIPA DC-008 (EXIF 2.32), 4.6.
 */
import { joined, latin1Bytes, latin1Of, textOf, viewOf } from '../bytes.ts';

const EXIF_POINTER = 0x8769;
const USER_COMMENT = 0x9286;
const UNDEFINED = 7;
const LONG = 4;
/** Bytes of an entry of a directory. */
const ENTRY = 12;
/** Bytes of a directory with one entry: count, entry, offset of the next directory. */
const DIRECTORY = 2 + ENTRY + 4;
/** Most bytes of a comment; a longer one is not a recipe. */
const MOST = 1 << 18;
const UNICODE = 'UNICODE\0';
const ASCII = 'ASCII\0\0\0';
const UNKNOWN = '\0'.repeat(8);
/** The mark of UTF-16's byte order. */
const MARK = '\ufeff';
/** What a recipe holds in any of the forms that are read. */
const RECIPE = /\bSteps: ?\d|^\s*\{\s*"/;

/** A TIFF structure with the comment alone, as UTF-16. */
export function exifWithComment(text: string): Uint8Array {
  const head = latin1Bytes('MM\0*\0\0\0\x08');
  const characters = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) viewOf(characters).setUint16(2 * i, text.charCodeAt(i));
  const comment = joined(latin1Bytes(UNICODE), characters);
  return joined(
    head,
    directory(EXIF_POINTER, LONG, 1, head.length + DIRECTORY),
    directory(USER_COMMENT, UNDEFINED, comment.length, head.length + 2 * DIRECTORY),
    comment,
  );
}

/** A directory with one entry, the last one. */
function directory(tag: number, type: number, count: number, value: number): Uint8Array {
  const bytes = new Uint8Array(DIRECTORY);
  const view = viewOf(bytes);
  view.setUint16(0, 1);
  view.setUint16(2, tag);
  view.setUint16(4, type);
  view.setUint32(6, count);
  view.setUint32(10, value);
  return bytes;
}

/** Tags of the first directory in which ComfyUI writes texts: ImageDescription, Make, Model. */
const TEXT_TAGS = [0x010e, 0x010f, 0x0110];

/** The texts of the first directory of a TIFF structure that recipes are written to; those that can be read. */
export function textsIn(exif: Uint8Array): string[] {
  const tiff = withoutPrefix(exif);
  return TEXT_TAGS.flatMap((tag) => {
    try {
      const reader = new TiffReader(tiff);
      const entry = reader.entry(reader.uint32(4), tag);
      if (entry === undefined) return [];
      const length = reader.uint32(entry + 4);
      // Up to four bytes are in the entry itself, too short for a recipe.
      if (length <= 4 || length > MOST) return [];
      const from = reader.uint32(entry + 8);
      return [textOf(tiff.subarray(from, from + length)).replace(/\0+$/, '')];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
}

function withoutPrefix(exif: Uint8Array): Uint8Array {
  return latin1Of(exif.subarray(0, 6)) === 'Exif\0\0' ? exif.subarray(6) : exif;
}

/** The comment in a TIFF structure, with or without the prefix `Exif\0\0`; undefined if there is no readable one. */
export function commentIn(exif: Uint8Array): string | undefined {
  const tiff = withoutPrefix(exif);
  try {
    const reader = new TiffReader(tiff);
    const pointer = reader.entry(reader.uint32(4), EXIF_POINTER);
    const entry = pointer === undefined ? undefined : reader.entry(reader.uint32(pointer + 8), USER_COMMENT);
    if (entry === undefined) return undefined;
    const from = reader.uint32(entry + 8);
    const length = reader.uint32(entry + 4);
    if (length > MOST) return undefined;
    const bytes = tiff.subarray(from, from + length);
    return decoded(bytes, reader.little);
  } catch (error) {
    // An offset beyond the structure.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A comment after the name of its coding; tools write UTF-8 as ASCII, with no name, or with that of no coding. */
function decoded(comment: Uint8Array, little: boolean): string | undefined {
  const coding = latin1Of(comment.subarray(0, 8));
  if (coding === UNICODE) return utf16(comment.subarray(8), little);
  const isNamed = coding === ASCII || coding === UNKNOWN;
  const text = textOf(isNamed ? comment.subarray(8) : comment).replace(/\0+$/, '');
  return isNamed || RECIPE.test(text) ? text : undefined;
}

/** Numbers of a TIFF structure. Reading beyond its end throws a RangeError. */
class TiffReader {
  readonly #view: DataView;
  readonly little: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = viewOf(bytes);
    this.little = latin1Of(bytes.subarray(0, 2)) === 'II';
  }

  uint32(at: number): number {
    return this.#view.getUint32(at, this.little);
  }

  /** Offset of a directory's entry with this tag. */
  entry(directory: number, tag: number): number | undefined {
    const count = this.#view.getUint16(directory, this.little);
    for (let i = 0, at = directory + 2; i < count; i++, at += ENTRY)
      if (this.#view.getUint16(at, this.little) === tag) return at;
    return undefined;
  }
}

/** UTF-16 in the order of the file; some writers keep to big endian, and editors change the file's order around it. */
function utf16(bytes: Uint8Array, little: boolean): string {
  const [own, other] = [ordered(bytes, little), ordered(bytes, !little)];
  const isOther = other.startsWith(MARK) || (RECIPE.test(other) && !RECIPE.test(own));
  const text = isOther ? other : own;
  return text.startsWith(MARK) ? text.slice(1) : text;
}

function ordered(bytes: Uint8Array, little: boolean): string {
  const view = viewOf(bytes);
  const codes = Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(2 * i, little));
  return codes.map((code) => String.fromCharCode(code)).join('');
}
