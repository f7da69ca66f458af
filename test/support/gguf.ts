import { toHalves } from '../../engine/weights/halves.ts';

interface Tensor {
  name: string;
  shape: readonly number[];
  values: Float32Array;
}

const ALIGNMENT = 32;
const [F32, Q4_0, Q8_0] = [0, 2, 8];

/** A GGUF file: matrices in blocks of 8 or 4 bits (Q8_0, Q4_0), everything else in float32. */
export function ggufBytes(tensors: readonly Tensor[], bits: 8 | 4 = 8): Uint8Array {
  const [inBits, quantized] = bits === 8 ? [q8, Q8_0] : [q4, Q4_0];
  const parts = tensors.map(({ name, shape, values }) => {
    const inBlocks = shape.length === 2 && shape[1]! % 32 === 0;
    const data = inBlocks
      ? inBits(values)
      : new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return { name, shape, type: inBlocks ? quantized : F32, data };
  });
  const aligned = (length: number) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  const header: Buffer[] = [Buffer.from('GGUF'), u32(3), u64(parts.length), u64(1)];
  header.push(text('general.architecture'), u32(8), text('sd1'));
  let offset = 0;
  for (const { name, shape, type, data } of parts) {
    header.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset));
    offset += aligned(data.length);
  }
  const padded = (bytes: Uint8Array) =>
    Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
  return Buffer.concat([padded(Buffer.concat(header)), ...parts.map(({ data }) => padded(data))]);
}

/** ggml's Q8_0: a half-precision scale, then 32 signed bytes. */
function q8(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array((values.length / 32) * 34);
  for (let block = 0; block * 32 < values.length; block++) {
    const part = values.subarray(block * 32, block * 32 + 32);
    const scale = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    const half = toHalves(Float32Array.of(scale))[0]!;
    bytes.set([half & 255, half >> 8], block * 34);
    for (const [i, value] of part.entries()) bytes[block * 34 + 2 + i] = Math.round(value / (scale || 1));
  }
  return bytes;
}

/** ggml's Q4_0: a half-precision scale, then 16 bytes of the values i and i + 16. */
function q4(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array((values.length / 32) * 18);
  for (let block = 0; block * 32 < values.length; block++) {
    const part = values.subarray(block * 32, block * 32 + 32);
    const largest = part.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    const scale = largest / -8;
    const half = toHalves(Float32Array.of(scale))[0]!;
    bytes.set([half & 255, half >> 8], block * 18);
    const nibble = (i: number) => Math.min(15, Math.round(part[i]! / (scale || 1)) + 8);
    for (let i = 0; i < 16; i++) bytes[block * 18 + 2 + i] = nibble(i) | (nibble(i + 16) << 4);
  }
  return bytes;
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
