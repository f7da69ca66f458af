import type { Contents } from '../../host/web/store.ts';

/** Exists in workers only, so it is not among the DOM's types. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** A file with at most as many bytes is read as a whole: each read asks another process. */
const WHOLE = 64 << 20;

/**
 * A file of weights for ONNX Runtime, which takes the range of each weight with `subarray` when it needs it, in no order.
 * Only these ranges are read of a large file, so it may be longer than an array can be. For workers.
 */
class FileBytes extends Uint8Array {
  readonly #blob: Blob;
  #whole: Uint8Array<ArrayBuffer> | undefined;

  constructor(blob: Blob) {
    super(0);
    this.#blob = blob;
    Object.defineProperty(this, 'byteLength', { value: blob.size });
  }

  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    if (this.byteLength > WHOLE) return read(this.#blob.slice(begin, end));
    this.#whole ??= read(this.#blob);
    return this.#whole.subarray(begin, end);
  }
}

function read(blob: Blob): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob));
}

export function bytesOnDemand(contents: Contents): Uint8Array {
  return contents instanceof Uint8Array ? contents : new FileBytes(contents);
}
