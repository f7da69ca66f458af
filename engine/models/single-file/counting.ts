import type { Tensors } from '../../weights/views.ts';

/** Far above any published network; a file with more is refused. */
const MOST = 256;

/** The first whole number without a tensor. */
export function countOf(exists: (index: number) => boolean): number {
  let count = 0;
  while (count < MOST && exists(count)) count++;
  return count;
}

/** Size of a tensor along an axis; 0 if there is no such tensor. */
export function sizeOf(tensors: Tensors, name: string, axis: number): number {
  return tensors.get(name)?.shape[axis] ?? 0;
}

/** One value if all are equal, as in configs. */
export function oneIfEqual<Value>(values: readonly Value[]): Value | readonly Value[] {
  return values.every((value) => value === values[0]) && values.length > 0 ? values[0]! : values;
}
