import { fromHalves, toHalves } from './halves.ts';

// Multi-byte numbers travel in little-endian order, which all processors supported by ONNX Runtime's packages use.

/** Number of channels of a row that share a residual's scale. */
const GROUP = 320;
/** Largest step of a four-bit residual in either direction. */
const LARGEST = 7;

/** One way to code rows [rows, channels]. */
interface Coder {
  bytes(rows: number, channels: number): number;
  /** How rows are coded and decoded. Absent: they travel as they are. */
  code?: {
    /** Whether the difference to the rows that the receiver has is coded, which both sides keep. */
    differences: boolean;
    encode(rows: Float32Array, out: Uint8Array, channels: number, known?: Float32Array): void;
    decode(coded: Uint8Array, rows: Float32Array, channels: number): void;
  };
}

/** How features can travel between workers, by the names that users give. */
const CODERS = {
  /** As they are. */
  float32: { bytes: (rows, channels) => 4 * rows * channels },
  /** In half precision (IEEE 754 binary16). */
  float16: {
    bytes: (rows, channels) => 2 * rows * channels,
    code: {
      differences: false,
      encode: (rows, out) => encodeHalves(rows, new Uint16Array(out.buffer, out.byteOffset, rows.length)),
      decode: (coded, rows) => fromHalves(new Uint16Array(coded.buffer, coded.byteOffset, rows.length), rows),
    },
  },
  /** As the difference to what the receiver has, in four bits with one scale for each group of channels. */
  residual: {
    bytes: (rows, channels) => rows * (Math.ceil(channels / 2) + 4 * Math.ceil(channels / GROUP)),
    code: {
      differences: true,
      encode: (rows, out, channels, known) => encodeResidual(rows, known!, channels, out),
      decode: addResidual,
    },
  },
} satisfies Record<string, Coder>;

export type Coding = keyof typeof CODERS;
export const CODINGS = Object.keys(CODERS) as Coding[];

function coderOf(coding: Coding): Coder {
  return CODERS[coding];
}

/** Whether a coding needs the receiver's rows, on both sides. */
export function codesDifferences(coding: Coding): boolean {
  return coderOf(coding).code?.differences === true;
}

/** Bytes of coded rows [rows, channels]. */
export function codedBytes(coding: Coding, rows: number, channels: number): number {
  return coderOf(coding).bytes(rows, channels);
}

/**
 * Rows [rows, channels] as they are sent; uncoded ones are a view. `known`: the receiver's rows, needed for differences
 * and updated to what the receiver will have.
 */
export function coded(
  coding: Coding,
  rows: Float32Array,
  channels: number,
  known?: Float32Array,
): Uint8Array {
  const out = slotOf(coding, rows, channels);
  coderOf(coding).code?.encode(rows, out, channels, known);
  return out;
}

/** Room for rows as they are sent; uncoded ones arrive in their place. */
export function slotOf(coding: Coding, rows: Float32Array, channels: number): Uint8Array {
  if (!coderOf(coding).code) return bytesOf(rows);
  return new Uint8Array(codedBytes(coding, rows.length / channels, channels));
}

/** Decodes what arrived in the slot of `rows`, which contain the rows known before. */
export function decode(coding: Coding, slot: Uint8Array, rows: Float32Array, channels: number): void {
  coderOf(coding).code?.decode(slot, rows, channels);
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

/** Half precision; what is beyond its range becomes its largest number, ±65504. */
function encodeHalves(rows: Float32Array, out: Uint16Array): void {
  toHalves(rows, out);
  // An infinity would spoil every row that attends to it.
  for (let i = 0; i < out.length; i++) if ((out[i]! & 0x7fff) === 0x7c00) out[i] = out[i]! - 1;
}
