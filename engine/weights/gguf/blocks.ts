import { fromHalves } from '../../../shared/halves.ts';

/** Quantized blocks of ggml (`ggml-quants.c`, `dequantize_row_…`), in order, as float32 or as levels. */

/** Fills as many values as blocks have. */
type Dequantize = (bytes: Uint8Array, out: Float32Array) => void;

/** Blocks of 32 values: each is `scale · level + least` of its block. */
export interface LevelValues {
  readonly levels: Uint8Array;
  readonly scale: Float32Array;
  readonly least: Float32Array;
}

/** A type whose blocks, or groups of 32 in larger ones, have one scale each. */
interface LevelType {
  /** Levels are 0 … 2^bits − 1. */
  readonly bits: 4 | 5 | 8;
  /** Whether blocks have a least value of their own; else the level 2^(bits − 1) is zero. */
  readonly minimum: boolean;
  /** Scales are in half precision. */
  readonly half: boolean;
  /** Fills as many blocks as there are scales. */
  readonly read: (bytes: Uint8Array, into: LevelValues) => void;
}

const one = new Float32Array(1);
const bits = new Uint16Array(1);

/** A half-precision number, little-endian. */
function half(bytes: Uint8Array, at: number): number {
  bits[0] = bytes[at]! | (bytes[at + 1]! << 8);
  return fromHalves(bits, one)[0]!;
}

/** Blocks of 32 values: a scale, for some a minimum, a word of fifth bits, then 16 bytes of two nibbles. */
function nibbles(size: number, { bits, minimum }: Pick<LevelType, 'bits' | 'minimum'>): LevelType {
  const fifth = bits === 5;
  const wordAt = minimum ? 4 : 2;
  const dataAt = wordAt + (fifth ? 4 : 0);
  const zero = 2 ** (bits - 1);
  return {
    bits,
    minimum,
    half: true,
    read(bytes, { levels, scale, least }) {
      for (let block = 0; block < scale.length; block++) {
        const [at, to] = [block * size, block * 32];
        scale[block] = half(bytes, at);
        least[block] = minimum ? half(bytes, at + 2) : -zero * scale[block]!;
        for (let i = 0; i < 16; i++) {
          const pair = bytes[at + dataAt + i]!;
          levels[to + i] = (pair & 15) | (fifth ? fifthBit(bytes, at + wordAt, i) : 0);
          levels[to + i + 16] = (pair >> 4) | (fifth ? fifthBit(bytes, at + wordAt, i + 16) : 0);
        }
      }
    },
  };
}

function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4;
}

/** 32 signed bytes behind their scale. */
const q8: LevelType = {
  bits: 8,
  minimum: false,
  half: true,
  read(bytes, { levels, scale, least }) {
    for (let block = 0; block < scale.length; block++) {
      scale[block] = half(bytes, block * 34);
      least[block] = -128 * scale[block]!;
      for (let i = 0; i < 32; i++) levels[block * 32 + i] = bytes[block * 34 + 2 + i]! ^ 0x80;
    }
  },
};

/** Scale and minimum of the group `j` of eight, six bits each, packed into 12 bytes. */
function groupScale(bytes: Uint8Array, at: number, j: number): [scale: number, minimum: number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  const low = bytes[at + j + 4]!;
  return [(low & 15) | ((bytes[at + j - 4]! >> 6) << 4), (low >> 4) | ((bytes[at + j]! >> 6) << 4)];
}

/** 256 values: scale and minimum of eight groups of 32, for Q5_K the fifth bits, then nibbles in pairs of groups. */
function superBlocks(size: number, bits: 4 | 5): LevelType {
  const dataAt = 16 + (bits === 5 ? 32 : 0);
  return {
    bits,
    minimum: true,
    half: false,
    read(bytes, { levels, scale, least }) {
      for (let group = 0; group < scale.length; group++) {
        const [at, j] = [(group >> 3) * size, group & 7];
        const [factor, minimum] = groupScale(bytes, at + 4, j);
        scale[group] = half(bytes, at) * factor;
        least[group] = -half(bytes, at + 2) * minimum;
        for (let i = 0; i < 32; i++) {
          const pair = bytes[at + dataAt + (j >> 1) * 32 + i]!;
          const fifth = bits === 5 ? ((bytes[at + 16 + i]! >> j) & 1) << 4 : 0;
          levels[group * 32 + i] = (j & 1 ? pair >> 4 : pair & 15) | fifth;
        }
      }
    },
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

export const LEVELS: Readonly<Record<string, LevelType>> = {
  Q4_0: nibbles(18, { bits: 4, minimum: false }),
  Q4_1: nibbles(20, { bits: 4, minimum: true }),
  Q5_0: nibbles(22, { bits: 5, minimum: false }),
  Q5_1: nibbles(24, { bits: 5, minimum: true }),
  Q8_0: q8,
  Q4_K: superBlocks(144, 4),
  Q5_K: superBlocks(176, 5),
};

/** @param count blocks of 32 */
export function readLevels({ read }: LevelType, bytes: Uint8Array, count: number): LevelValues {
  const values = {
    levels: new Uint8Array(32 * count),
    scale: new Float32Array(count),
    least: new Float32Array(count),
  };
  read(bytes, values);
  return values;
}

const ofLevels =
  (type: LevelType): Dequantize =>
  (bytes, out) => {
    const { levels, scale, least } = readLevels(type, bytes, out.length / 32);
    for (let i = 0; i < out.length; i++) out[i] = scale[i >> 5]! * levels[i]! + least[i >> 5]!;
  };

export const DEQUANTIZE: Readonly<Record<string, Dequantize>> = {
  ...Object.fromEntries(Object.entries(LEVELS).map(([name, type]) => [name, ofLevels(type)])),
  Q6_K: q6,
};

/** Whether a tensor holds ggml's quantized blocks. */
export function isQuantized({ dtype }: { dtype: string }): boolean {
  return Object.hasOwn(DEQUANTIZE, dtype);
}
