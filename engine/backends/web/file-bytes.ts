/** Exists in workers only, so it is not among the DOM's types. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Bytes that are read at once: a model has hundreds of small weights, and each read asks another process. */
const CHUNK = 8 << 20;

/**
 * A file of weights for ONNX Runtime, which takes the range of each weight with `subarray` when it needs it. Only these
 * ranges are read, so the file may be longer than an array can be. For workers.
 */
class FileBytes extends Uint8Array {
  readonly #blob: Blob;
  /** What was read last, and where it begins. */
  #chunk = new Uint8Array(0);
  #from = 0;

  constructor(blob: Blob) {
    super(0);
    this.#blob = blob;
    Object.defineProperty(this, 'byteLength', { value: blob.size });
  }

  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    const isHere = begin >= this.#from && end <= this.#from + this.#chunk.length;
    if (!isHere) {
      this.#from = begin;
      this.#chunk = this.#read(begin, Math.max(end, begin + CHUNK));
    }
    return this.#chunk.subarray(begin - this.#from, end - this.#from);
  }

  #read(begin: number, end: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.#blob.slice(begin, end)));
  }
}

export function bytesOnDemand(blob: Blob): Uint8Array {
  return new FileBytes(blob);
}
