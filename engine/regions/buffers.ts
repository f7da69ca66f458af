/**
 * Arrays by name, reused for the inputs of every run of a network. Allocating megabytes at every step costs more than
 * filling them, and a run has read its inputs when it ends.
 */
export class Buffers {
  readonly #floats = new Map<string, Float32Array>();
  readonly #bytes = new Map<string, Int8Array>();

  /** Holds what the last use left in it, zeros at first. */
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
