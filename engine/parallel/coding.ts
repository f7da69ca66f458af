import type { Coding } from '../../shared/api.ts';

// Multi-byte numbers travel little-endian, as every processor that ONNX Runtime's packages are made for has them.

/** Channels of a row that share one scale of a residual. */
const GROUP = 320;
/** Largest step of a residual in either direction, of four bits. */
const LARGEST = 7;

/** Bytes of rows [rows, channels]. */
export function codedBytes(coding: Coding, rows: number, channels: number): number {
  if (coding === 'float32') return 4 * rows * channels;
  if (coding === 'float16') return 2 * rows * channels;
  return rows * (Math.ceil(channels / 2) + 4 * Math.ceil(channels / GROUP));
}

/**
 * Codes rows [rows, channels] into `out`. `known`: what the receiver has of them, needed for a residual and brought up
 * to what it will have.
 */
export function encode(
  coding: Coding,
  rows: Float32Array,
  channels: number,
  out: Uint8Array,
  known?: Float32Array,
): void {
  if (coding === 'float32') out.set(bytesOf(rows));
  else if (coding === 'float16') toHalf(rows, new Uint16Array(out.buffer, out.byteOffset, rows.length));
  else encodeResidual(rows, known!, channels, out);
}

/** Decodes rows over `rows`, which hold what was known before. */
export function decode(coding: Coding, coded: Uint8Array, rows: Float32Array, channels: number): void {
  if (coding === 'float32') bytesOf(rows).set(coded);
  else if (coding === 'float16') fromHalf(new Uint16Array(coded.buffer, coded.byteOffset, rows.length), rows);
  else addResidual(coded, rows, channels);
}

export function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function encodeResidual(rows: Float32Array, known: Float32Array, channels: number, out: Uint8Array): void {
  const count = rows.length / channels;
  const groups = Math.ceil(channels / GROUP);
  const scales = new Float32Array(count * groups);
  const bytes = out.subarray(scales.byteLength);
  const half = Math.ceil(channels / 2);
  for (let row = 0; row < count; row++)
    for (let group = 0; group < groups; group++) {
      const from = row * channels + group * GROUP;
      const to = Math.min(from + GROUP, (row + 1) * channels);
      let largest = 0;
      for (let i = from; i < to; i++) {
        const size = Math.abs(rows[i]! - known[i]!);
        if (size > largest) largest = size;
      }
      const scale = Math.fround(largest / LARGEST);
      scales[row * groups + group] = scale;
      const inverse = scale > 0 ? 1 / scale : 0;
      let at = row * half + (group * GROUP) / 2;
      for (let i = from; i < to; i += 2) {
        const a = Math.round((rows[i]! - known[i]!) * inverse);
        const b = i + 1 < to ? Math.round((rows[i + 1]! - known[i + 1]!) * inverse) : 0;
        known[i] = known[i]! + a * scale;
        if (i + 1 < to) known[i + 1] = known[i + 1]! + b * scale;
        bytes[at++] = (a + 8) | ((b + 8) << 4);
      }
    }
  out.set(bytesOf(scales));
}

function addResidual(coded: Uint8Array, rows: Float32Array, channels: number): void {
  const count = rows.length / channels;
  const groups = Math.ceil(channels / GROUP);
  const scales = new Float32Array(coded.slice(0, 4 * count * groups).buffer);
  const bytes = coded.subarray(scales.byteLength);
  const half = Math.ceil(channels / 2);
  for (let row = 0; row < count; row++)
    for (let c = 0, at = row * half, i = row * channels; c < channels; c += 2, i += 2) {
      const scale = scales[row * groups + ((c / GROUP) | 0)]!;
      const byte = bytes[at++]!;
      rows[i] = rows[i]! + ((byte & 15) - 8) * scale;
      if (c + 1 < channels) rows[i + 1] = rows[i + 1]! + ((byte >> 4) - 8) * scale;
    }
}

/** 65504: what is larger becomes this, for an infinity would spoil every row that attends to it. */
const LARGEST_HALF = 0x7bff;

/** By sign and exponent of a float32: the half's upper bits, and by how much the fraction is shifted. */
const HALF_BASE = new Uint16Array(512);
const HALF_SHIFT = new Uint8Array(512);
for (let i = 0; i < 256; i++) {
  const exponent = i - 127;
  const [base, shift] =
    exponent < -24
      ? [0, 24]
      : exponent < -14
        ? [0x0400 >> (-exponent - 14), -exponent - 1]
        : exponent <= 15
          ? [(exponent + 15) << 10, 13]
          : exponent < 128
            ? [LARGEST_HALF, 24]
            : [0x7c00, 13];
  HALF_BASE[i] = base;
  HALF_BASE[i | 256] = base | 0x8000;
  HALF_SHIFT[i] = shift;
  HALF_SHIFT[i | 256] = shift;
}

/** Half precision by tables (van der Zijp, Fast Half Float Conversions, 2012), rounding half up. */
function toHalf(values: Float32Array, out: Uint16Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const top = b >>> 23;
    const shift = HALF_SHIFT[top]!;
    const fraction = b & 0x007fffff;
    const half = HALF_BASE[top]! + ((fraction + (shift < 24 ? 1 << (shift - 1) : 0)) >>> shift);
    out[i] = (half & 0x7fff) === 0x7c00 && (top & 255) < 255 ? half - 1 : half;
  }
}

let halves: Float32Array | undefined;

function fromHalf(bits: Uint16Array, out: Float32Array): void {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, half) => {
    const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
  for (let i = 0; i < bits.length; i++) out[i] = halves[bits[i]!]!;
}
