import type { Dtype } from './source.ts';

/** Bytes of one element. */
export const BYTES_PER_ELEMENT: Readonly<Record<Dtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, value);
}

/** Bytes of a tensor, or undefined if the number is beyond what a file can hold. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  const length = shape.includes(0)
    ? 0
    : shape.reduce((product, dimension) => product * dimension, BYTES_PER_ELEMENT[dtype]);
  return Number.isSafeInteger(length) ? length : undefined;
}
