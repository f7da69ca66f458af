import { BLOCK } from '../quantized.ts';
import type { StoredTensor } from '../source.ts';
import { LEVELS, readLevels } from './blocks.ts';

/** How a matrix is kept in blocks of ours. */
export interface OwnForm {
  readonly bits: 8 | 4;
  /** Whether every value of a block has a number added to it. */
  readonly minimum: boolean;
  /** Scales are kept in half precision, as they are stored. */
  readonly half: boolean;
}

/** The form in blocks of ours of a matrix [N, K]; undefined for what does not fit them. */
export function fittingForm({ dtype, shape, axes }: StoredTensor): OwnForm | undefined {
  const [, rows = 0, ...rest] = shape;
  const isMatrix = rows % BLOCK === 0 && rest.every((side) => side === 1);
  const type = rows > 0 && isMatrix && !axes && Object.hasOwn(LEVELS, dtype) ? LEVELS[dtype] : undefined;
  return type && { bits: type.bits === 4 ? 4 : 8, minimum: type.minimum, half: type.half };
}

/** Blocks of ours: value = (level − 2^(bits − 1)) · scale + minimum. */
export interface OwnBlocks {
  /** As `BlockValues` has them. */
  readonly values: Uint8Array;
  readonly scale: Float32Array;
  /** Zeros for types without. */
  readonly minimum: Float32Array;
}

/** Bytes of a block's values. */
export function blockBytes(bits: 8 | 4): number {
  return (BLOCK * bits) / 8;
}

/** ggml's blocks in the order of ours, which have a pair of neighbours in a byte of 4 bits. @param count blocks of 32 */
export function ownBlocks(stored: Uint8Array, dtype: string, count: number): OwnBlocks {
  const type = LEVELS[dtype]!;
  const { levels, scale, least } = readLevels(type, stored, count);
  const zero = 2 ** (type.bits - 1);
  const minimum = least.map((value, block) => value + zero * scale[block]!);
  if (type.bits !== 4) return { values: levels.map((level) => level + 128 - zero), scale, minimum };
  const values = new Uint8Array(levels.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = levels[2 * i]! | (levels[2 * i + 1]! << 4);
  return { values, scale, minimum };
}
