import { toHalves } from '../../shared/halves.ts';

interface Tensor {
  name: string;
  shape: readonly number[];
  values: Float32Array;
  /** In place of the file's. */
  type?: GgufType;
}

const ALIGNMENT = 32;

/** ggml's numbers of the types that are written here, and how many values a block has. */
const TYPES = {
  F32: { number: 0, block: 1, inBlocks: floats },
  F16: { number: 1, block: 1, inBlocks: halves },
  BF16: { number: 30, block: 1, inBlocks: brains },
  Q4_0: { number: 2, block: 32, inBlocks: q4 },
  Q4_1: { number: 3, block: 32, inBlocks: (values: Float32Array) => withMinimum(values, 4) },
  Q5_0: { number: 6, block: 32, inBlocks: q5 },
  Q5_1: { number: 7, block: 32, inBlocks: (values: Float32Array) => withMinimum(values, 5) },
  Q8_0: { number: 8, block: 32, inBlocks: q8 },
  Q4_K: { number: 12, block: 256, inBlocks: q4K },
  Q6_K: { number: 14, block: 256, inBlocks: q6K },
} as const;
export type GgufType = keyof typeof TYPES;

/**
 * A GGUF file: matrices in blocks of a type where they fit, everything else in float32. Numbers of the metadata are
 * written as uint32 if they are, else as float32.
 */
export function ggufBytes(
  tensors: readonly Tensor[],
  type: GgufType = 'Q8_0',
  metadata: Readonly<Record<string, string | number>> = { 'general.architecture': 'sd1' },
): Uint8Array {
  const parts = tensors.map(({ name, shape, values, type: own = type }) => {
    const fits = shape.length === 2 && shape[1]! % TYPES[own].block === 0;
    const { number, inBlocks } = TYPES[fits ? own : 'F32'];
    return { name, shape, number, data: inBlocks(values) };
  });
  const aligned = (length: number) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  const entries = Object.entries(metadata);
  const header: Buffer[] = [Buffer.from('GGUF'), u32(3), u64(parts.length), u64(entries.length)];
  for (const [key, value] of entries) header.push(text(key), ...entry(value));
  let offset = 0;
  for (const { name, shape, number, data } of parts) {
    header.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(number), u64(offset));
    offset += aligned(data.length);
  }
  const padded = (bytes: Uint8Array) =>
    Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
  return Buffer.concat([padded(Buffer.concat(header)), ...parts.map(({ data }) => padded(data))]);
}

function entry(value: string | number): Buffer[] {
  if (typeof value === 'string') return [u32(8), text(value)];
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return [u32(4), u32(value)];
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return [u32(6), bytes];
}

function floats(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The upper halves of float32 numbers, cut off. */
function brains(values: Float32Array): Uint8Array {
  const words = new Uint16Array(values.buffer, values.byteOffset, 2 * values.length);
  return new Uint8Array(Uint16Array.from(values, (_, i) => words[2 * i + 1]!).buffer);
}

function halves(values: Float32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = toHalves(values);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Writes a half-precision number. */
function setHalf(bytes: Uint8Array, at: number, value: number): void {
  const half = toHalves(Float32Array.of(value))[0]!;
  bytes.set([half & 255, half >> 8], at);
}

/** Blocks of some bytes, each written from its values. */
function blocksOf(
  values: Float32Array,
  { count, bytes }: { count: number; bytes: number },
  write: (block: Uint8Array, values: Float32Array) => void,
): Uint8Array {
  const result = new Uint8Array((values.length / count) * bytes);
  for (let block = 0; block * count < values.length; block++)
    write(
      result.subarray(block * bytes, (block + 1) * bytes),
      values.subarray(block * count, (block + 1) * count),
    );
  return result;
}

const whole = (value: number, least: number, most: number) =>
  Math.min(most, Math.max(least, Math.round(value) || 0));
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
/** The value that is farthest from zero. */
const extreme = (values: Float32Array) =>
  values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);

/** A half-precision scale, then 32 signed bytes. */
function q8(values: Float32Array): Uint8Array {
  return blocksOf(values, { count: 32, bytes: 34 }, (block, part) => {
    const scale = largest(part) / 127;
    setHalf(block, 0, scale);
    for (const [i, value] of part.entries()) block[2 + i] = Math.round(value / (scale || 1));
  });
}

/** Bytes of the values i and i + 16. */
function setNibbles(block: Uint8Array, at: number, value: (i: number) => number): void {
  for (let i = 0; i < 16; i++) block[at + i] = (value(i) & 15) | ((value(i + 16) & 15) << 4);
}

/** The fifth bits of 32 values. */
function setFifths(block: Uint8Array, at: number, value: (i: number) => number): void {
  for (let i = 0; i < 32; i++) block[at + (i >> 3)]! |= (value(i) >> 4) << (i & 7);
}

/** A half-precision scale, then nibbles. */
function q4(values: Float32Array): Uint8Array {
  return blocksOf(values, { count: 32, bytes: 18 }, (block, part) => {
    const scale = extreme(part) / -8;
    setHalf(block, 0, scale);
    setNibbles(block, 2, (i) => whole(part[i]! / scale + 8, 0, 15));
  });
}

/** A half-precision scale, the fifth bits, then nibbles. */
function q5(values: Float32Array): Uint8Array {
  return blocksOf(values, { count: 32, bytes: 22 }, (block, part) => {
    const scale = extreme(part) / -16;
    const value = (i: number) => whole(part[i]! / scale + 16, 0, 31);
    setHalf(block, 0, scale);
    setFifths(block, 2, value);
    setNibbles(block, 6, value);
  });
}

/** Q4_1 and Q5_1: scale and minimum in half precision, for five bits the fifth ones, then nibbles. */
function withMinimum(values: Float32Array, bits: 4 | 5): Uint8Array {
  return blocksOf(values, { count: 32, bytes: bits === 4 ? 20 : 24 }, (block, part) => {
    const [least, most] = [Math.min(...part), Math.max(...part)];
    const levels = 2 ** bits - 1;
    const scale = (most - least) / levels;
    const value = (i: number) => whole((part[i]! - least) / scale, 0, levels);
    setHalf(block, 0, scale);
    setHalf(block, 2, least);
    if (bits === 5) setFifths(block, 4, value);
    setNibbles(block, bits === 4 ? 4 : 8, value);
  });
}

/** Scale and minimum in half precision, those of eight groups in 12 bytes, nibbles in pairs of groups. */
function q4K(values: Float32Array): Uint8Array {
  return blocksOf(values, { count: 256, bytes: 144 }, (block, part) => {
    const groups = Array.from({ length: 8 }, (_, j) => {
      const group = part.subarray(32 * j, 32 * j + 32);
      const least = Math.min(0, ...group);
      return { group, minimum: -least, scale: (Math.max(...group) - least) / 15 };
    });
    const scale = Math.max(...groups.map((one) => one.scale)) / 63;
    const least = Math.max(...groups.map((one) => one.minimum)) / 63;
    setHalf(block, 0, scale);
    setHalf(block, 2, least);
    for (const [j, one] of groups.entries()) {
      const [factor, minimum] = [whole(one.scale / scale, 0, 63), whole(one.minimum / least, 0, 63)];
      if (j < 4) {
        block[4 + j]! |= factor;
        block[8 + j]! |= minimum;
      } else {
        block[8 + j]! |= (factor & 15) | ((minimum & 15) << 4);
        block[j]! |= (factor >> 4) << 6;
        block[4 + j]! |= (minimum >> 4) << 6;
      }
      for (const [i, value] of one.group.entries()) {
        const level = whole((value + least * minimum) / (scale * factor), 0, 15);
        block[16 + (j >> 1) * 32 + i]! |= level << (4 * (j & 1));
      }
    }
  });
}

/** Low nibbles, high pairs of bits, signed scales of 16 groups, a scale of all in half precision. */
function q6K(values: Float32Array): Uint8Array {
  return blocksOf(values, { count: 256, bytes: 210 }, (block, part) => {
    const scales = Array.from({ length: 16 }, (_, j) => largest(part.subarray(16 * j, 16 * j + 16)) / 31);
    const scale = Math.max(...scales) / 127;
    setHalf(block, 208, scale);
    for (const [j, one] of scales.entries()) block[192 + j] = whole(one / scale, 0, 127);
    for (const [i, value] of part.entries()) {
      const level = whole(value / (scale * block[192 + (i >> 4)]!), -32, 31) + 32;
      const [half, quarter, at] = [i >> 7, (i & 127) >> 5, i & 31];
      block[half * 64 + (quarter & 1) * 32 + at]! |= (level & 15) << (quarter & 2 ? 4 : 0);
      block[128 + half * 32 + at]! |= (level >> 4) << (2 * quarter);
    }
  });
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}
