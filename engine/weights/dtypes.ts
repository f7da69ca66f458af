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

/** The same for types that only other tools use; needed to check lengths. */
const OTHERS: ReadonlyMap<string, number> = new Map([
  ['U16', 2],
  ['U32', 4],
  ['U64', 8],
  ['C64', 8],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['F8_E8M0', 1],
  ['F8_E4M3FNUZ', 1],
  ['F8_E5M2FNUZ', 1],
]);

/** Whether elements of this type are read here. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, value);
}

/** Whether a tensor's shape and length in bytes agree; always true for unknown types. */
export function lengthFits(dtype: string, shape: readonly number[], bytes: number): boolean {
  const size = isDtype(dtype) ? BYTES_PER_ELEMENT[dtype] : OTHERS.get(dtype);
  return size === undefined || lengthOf(size, shape) === bytes;
}

/** Bytes of a tensor, or undefined if the number is beyond what a file can hold. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number | undefined {
  return lengthOf(BYTES_PER_ELEMENT[dtype], shape);
}

function lengthOf(size: number, shape: readonly number[]): number | undefined {
  const length = shape.includes(0) ? 0 : shape.reduce((product, dimension) => product * dimension, size);
  return Number.isSafeInteger(length) ? length : undefined;
}
