import { fromHalves } from '../halves.ts';

/**
 * Quantized blocks of ggml (`ggml-quants.c`, `dequantize_row_…`) as float32. Each function takes blocks in order and fills as
 * many values as they have.
 */
type Dequantize = (bytes: Uint8Array, out: Float32Array) => void;

const one = new Float32Array(1);
const bits = new Uint16Array(1);

/** A half-precision number, little-endian. */
function half(bytes: Uint8Array, at: number): number {
  bits[0] = bytes[at]! | (bytes[at + 1]! << 8);
  return fromHalves(bits, one)[0]!;
}

/** Blocks of 32 values: a scale, for some a minimum, a word of fifth bits, then 16 bytes of two nibbles. */
function nibbles(size: number, options: { minimum: boolean; fifth: boolean }): Dequantize {
  const { minimum, fifth } = options;
  const wordAt = minimum ? 4 : 2;
  const dataAt = wordAt + (fifth ? 4 : 0);
  const zero = minimum ? 0 : fifth ? 16 : 8;
  return (bytes, out) => {
    for (let block = 0, to = 0; to < out.length; block += size, to += 32) {
      const scale = half(bytes, block);
      const least = minimum ? half(bytes, block + 2) : 0;
      for (let i = 0; i < 16; i++) {
        const pair = bytes[block + dataAt + i]!;
        const low = fifth ? fifthBit(bytes, block + wordAt, i) : 0;
        const high = fifth ? fifthBit(bytes, block + wordAt, i + 16) : 0;
        out[to + i] = scale * ((pair & 15) + low - zero) + least;
        out[to + i + 16] = scale * ((pair >> 4) + high - zero) + least;
      }
    }
  };
}

function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4;
}

/** 32 signed bytes behind their scale. */
const q8: Dequantize = (bytes, out) => {
  for (let block = 0, to = 0; to < out.length; block += 34, to += 32) {
    const scale = half(bytes, block);
    for (let i = 0; i < 32; i++) out[to + i] = scale * ((bytes[block + 2 + i]! << 24) >> 24);
  }
};

/** Scale and minimum of the group `j` of eight, six bits each, packed into 12 bytes. */
function groupScale(bytes: Uint8Array, at: number, j: number): [scale: number, minimum: number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  const low = bytes[at + j + 4]!;
  return [(low & 15) | ((bytes[at + j - 4]! >> 6) << 4), (low >> 4) | ((bytes[at + j]! >> 6) << 4)];
}

/** 256 values: scale and minimum of eight groups of 32, for Q5_K the fifth bits, then nibbles in pairs of groups. */
function superBlocks(size: number, fifth: boolean): Dequantize {
  const dataAt = 16 + (fifth ? 32 : 0);
  return (bytes, out) => {
    for (let block = 0, to = 0; to < out.length; block += size, to += 256) {
      const [scale, least] = [half(bytes, block), half(bytes, block + 2)];
      for (let j = 0; j < 8; j++) {
        const [factor, minimum] = groupScale(bytes, block + 4, j);
        for (let i = 0; i < 32; i++) {
          const pair = bytes[block + dataAt + (j >> 1) * 32 + i]!;
          const more = fifth ? ((bytes[block + 16 + i]! >> j) & 1) << 4 : 0;
          const value = (j & 1 ? pair >> 4 : pair & 15) + more;
          out[to + j * 32 + i] = scale * factor * value - least * minimum;
        }
      }
    }
  };
}

/** 256 values of six bits: four low ones, two high ones, signed scales of 16 groups, a scale of all. */
const q6: Dequantize = (bytes, out) => {
  for (let block = 0, to = 0; to < out.length; block += 210, to += 256) {
    const scale = half(bytes, block + 208);
    for (let i = 0; i < 256; i++) {
      const [part, place] = [i >> 7, i & 127];
      const quarter = place >> 5;
      const low = bytes[block + part * 64 + (quarter & 1) * 32 + (place & 31)]!;
      const high = bytes[block + 128 + part * 32 + (place & 31)]!;
      const value = ((quarter & 2 ? low >> 4 : low & 15) | (((high >> (2 * quarter)) & 3) << 4)) - 32;
      const factor = (bytes[block + 192 + (i >> 4)]! << 24) >> 24;
      out[to + i] = scale * factor * value;
    }
  }
};

/** Whether a tensor holds ggml's quantized blocks. */
export function isQuantized({ dtype }: { dtype: string }): boolean {
  return Object.hasOwn(DEQUANTIZE, dtype);
}

export const DEQUANTIZE: Readonly<Record<string, Dequantize>> = {
  Q4_0: nibbles(18, { minimum: false, fifth: false }),
  Q4_1: nibbles(20, { minimum: true, fifth: false }),
  Q5_0: nibbles(22, { minimum: false, fifth: true }),
  Q5_1: nibbles(24, { minimum: true, fifth: true }),
  Q8_0: q8,
  Q4_K: superBlocks(144, false),
  Q5_K: superBlocks(176, true),
  Q6_K: q6,
};
