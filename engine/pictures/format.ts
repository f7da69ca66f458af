/** Formats of image files, recognised by their first bytes and not by the file's name. */

import { latin1Of } from '../bytes.ts';

/** Formats that are decoded; nothing else reaches a decoder. */
const DECODED = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const;
type DecodedFormat = (typeof DECODED)[number];

/** Names of other formats, and what to do with them. */
const OTHERS: Readonly<Record<string, string>> = {
  heic: 'a HEIC photo, as phones take them, which cannot be opened here: convert it to JPEG or PNG first, for example with Preview on macOS, Photos on Windows, or heif-convert',
  svg: 'an SVG drawing, which cannot be opened here: export it as PNG first',
  pdf: 'a PDF document, which cannot be opened here: export the page as PNG first',
  jxl: 'a JPEG XL image, which cannot be opened here: convert it to PNG or JPEG first',
  jp2: 'a JPEG 2000 image, which cannot be opened here: convert it to PNG or JPEG first',
  bmp: 'a BMP image, which cannot be opened here: convert it to PNG first',
  ico: 'an icon file, which cannot be opened here: convert it to PNG first',
  psd: 'a Photoshop file, which cannot be opened here: export it as PNG first',
  exr: 'an OpenEXR image, which cannot be opened here: convert it to PNG first',
};

/** First bytes of files, one byte a character. */
const BEGINNINGS: readonly (readonly [name: string, begin: string])[] = [
  ['png', '\x89PNG\r\n\x1a\n'],
  ['jpeg', '\xff\xd8\xff'],
  ['gif', 'GIF87a'],
  ['gif', 'GIF89a'],
  ['tiff', 'II*\0'],
  ['tiff', 'II+\0'],
  ['tiff', 'MM\0*'],
  ['tiff', 'MM\0+'],
  ['pdf', '%PDF-'],
  ['jxl', '\xff\x0a'],
  ['jxl', '\0\0\0\x0cJXL '],
  ['jp2', '\0\0\0\x0cjP  '],
  ['psd', '8BPS'],
  ['exr', 'v/1\x01'],
  ['ico', '\0\0\x01\0'],
  ['bmp', 'BM'],
];
const SVG = /^(?:ï»¿)?\s*<(?:svg|!DOCTYPE svg|\?xml|!--)/i;

/** Number of bytes that are inspected. */
const HEAD = 512;

/**
 * The format of a file that is decoded here, or why it is not: the end of a sentence, undefined for unknown formats.
 */
export function decodedFormat(bytes: Uint8Array): { format: DecodedFormat } | { other: string | undefined } {
  const head = latin1Of(bytes.subarray(0, HEAD));
  const name = nameOf(bytes, head);
  const format = DECODED.find((known) => known === name);
  return format ? { format } : { other: name === undefined ? undefined : OTHERS[name] };
}

function nameOf(bytes: Uint8Array, head: string): string | undefined {
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp';
  if (head.startsWith('ftyp', 4)) return ofBrands(bytes, head);
  const found = BEGINNINGS.find(([, begin]) => head.startsWith(begin))?.[0];
  return found ?? (SVG.test(head) ? 'svg' : undefined);
}

/** AVIF and HEIC share a container (ISO/IEC 14496-12, 4.3): its brands tell them apart. */
function ofBrands(bytes: Uint8Array, head: string): string | undefined {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const brands = head.slice(8, Math.min(length, HEAD)).match(/.{4}/gs) ?? [];
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  return brands.some((brand) => /^(?:he[iv][cxms]|mif1|msf1)$/.test(brand)) ? 'heic' : undefined;
}
