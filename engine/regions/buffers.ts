/**
 * Arrays by name that are filled anew for every run of a network. A run reads its inputs before it is over, so the next
 * one may have them: allocating megabytes at every step costs more than filling them.
 */
export class Buffers {
  readonly #floats = new Map<string, Float32Array>();
  readonly #bytes = new Map<string, Int8Array>();

  /** With what was left in it; zeros the first time. */
  floats(name: string, length: number): Float32Array {
    return ofLength(this.#floats, name, length, Float32Array);
  }

  bytes(name: string, length: number): Int8Array {
    return ofLength(this.#bytes, name, length, Int8Array);
  }
}

function ofLength<T extends Float32Array | Int8Array>(
  arrays: Map<string, T>,
  name: string,
  length: number,
  type: new (length: number) => T,
): T {
  let array = arrays.get(name);
  if (array?.length !== length) {
    array = new type(length);
    arrays.set(name, array);
  }
  return array;
}
