/** The structure of PNG files (w3.org/TR/png-3, 5.2 and 5.3): a signature, then chunks of length, type, data and checksum. */
import { compression, nextTask } from '#host';
import { joined, latin1Bytes, uint32, viewOf } from '../bytes.ts';
import { InputError } from '../errors.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Bytes of a chunk beside its data. */
const FRAME = 12;

/** Chunks that are visited before yielding to the event loop. */
const TURN = 1 << 13;

/** Whether a file begins as a PNG does. */
export function isPng(file: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => file[i] === byte);
}

/** A chunk's type as a 32-bit number. */
export function chunkType(name: string): number {
  return viewOf(latin1Bytes(name)).getUint32(0);
}

const IHDR = chunkType('IHDR');
const IDAT = chunkType('IDAT');
const IEND = chunkType('IEND');

/**
 * Walks over the chunks of a file. It copies, allocates and checks nothing, so that millions of chunks take milliseconds.
 * It ends after IEND, or where the file is truncated.
 */
export class PngWalk {
  readonly #png: Uint8Array;
  readonly #view: DataView;
  type = 0;
  /** Start and end of the chunk, including length, type and checksum. */
  start = 0;
  end = SIGNATURE.length;

  /** @throws InputError for a file that does not begin as a PNG does. */
  constructor(png: Uint8Array) {
    if (!isPng(png)) throw malformed('it does not begin like one');
    this.#png = png;
    this.#view = viewOf(png);
  }

  /** Moves to the next chunk; false if there is none. */
  next(): boolean {
    const start = this.end;
    if (this.type === IEND || start + FRAME > this.#png.length) return false;
    const end = start + FRAME + this.#view.getUint32(start);
    if (end > this.#png.length) return false;
    this.type = this.#view.getUint32(start + 4);
    this.start = start;
    this.end = end;
    return true;
  }

  /** Whether the chunk's data start with these bytes. */
  startsWith(begin: Uint8Array): boolean {
    if (this.end - this.start - FRAME < begin.length) return false;
    for (let i = 0; i < begin.length; i++) if (this.#png[this.start + 8 + i] !== begin[i]) return false;
    return true;
  }

  get data(): Uint8Array {
    return this.#png.subarray(this.start + 8, this.end - 4);
  }
}

/** Decides whether a chunk is copied to the new file. */
export type Keep = (walk: PngWalk) => boolean;

/**
 * Inserts `added` after the header of a file and drops the chunks that are not kept. Everything after damage is copied.
 * @throws InputError if it has no header
 */
export function withChunks(png: Uint8Array, added: Uint8Array, keep: Keep): Uint8Array {
  const rebuilding = new Rebuilding(png, added);
  while (rebuilding.next()) rebuilding.take(keep(rebuilding.walk));
  return rebuilding.finish();
}

/** The same for untrusted files: it yields to the event loop now and then. */
export async function withChunksOf(png: Uint8Array, added: Uint8Array, keep: Keep): Promise<Uint8Array> {
  const rebuilding = new Rebuilding(png, added);
  for (let count = 1; rebuilding.next(); count++) {
    rebuilding.take(keep(rebuilding.walk));
    if (count % TURN === 0) await nextTask();
  }
  return rebuilding.finish();
}

/** Concatenates some chunks of a file. */
export async function selectedChunks(png: Uint8Array, keep: Keep): Promise<Uint8Array> {
  const walk = new PngWalk(png);
  const parts: Uint8Array[] = [];
  let run: { from: number; to: number } | undefined;
  for (let count = 1; walk.next(); count++) {
    if (count % TURN === 0) await nextTask();
    if (!keep(walk)) continue;
    if (run?.to === walk.start) run.to = walk.end;
    else {
      if (run) parts.push(png.subarray(run.from, run.to));
      run = { from: walk.start, to: walk.end };
    }
  }
  if (run) parts.push(png.subarray(run.from, run.to));
  return joined(...parts);
}

/** Whether a file has a chunk of this type before its pixels. */
export function hasChunk(png: Uint8Array, name: string): boolean {
  const type = chunkType(name);
  const walk = new PngWalk(png);
  while (walk.next() && walk.type !== IDAT) if (walk.type === type) return true;
  return false;
}

/** Copies a file chunk by chunk, adjacent chunks at once. If nothing changes, nothing is copied. */
class Rebuilding {
  readonly walk: PngWalk;
  readonly #png: Uint8Array;
  #made: Uint8Array | undefined;
  #length: number;
  /** Start of what has not been copied yet. */
  #from: number;

  constructor(png: Uint8Array, added: Uint8Array) {
    this.#png = png;
    this.walk = new PngWalk(png);
    if (!this.walk.next() || this.walk.type !== IHDR) throw malformed('it has no header');
    this.#from = this.walk.end;
    this.#length = this.walk.end + added.length;
    if (added.length > 0) this.#begin(added);
  }

  next(): boolean {
    return this.walk.next();
  }

  take(keep: boolean): void {
    if (keep) return;
    if (!this.#made) this.#begin(new Uint8Array(0));
    this.#copyTo(this.walk.start);
    this.#from = this.walk.end;
  }

  finish(): Uint8Array {
    if (!this.#made) return this.#png;
    this.#copyTo(this.#png.length);
    return this.#length === this.#made.length ? this.#made : this.#made.slice(0, this.#length);
  }

  /** Copies what comes before `added`: the signature and the header. */
  #begin(added: Uint8Array): void {
    this.#made = new Uint8Array(this.#png.length + added.length);
    this.#made.set(this.#png.subarray(0, this.#from));
    this.#made.set(added, this.#from);
  }

  #copyTo(end: number): void {
    if (end === this.#from) return;
    this.#made!.set(this.#png.subarray(this.#from, end), this.#length);
    this.#length += end - this.#from;
  }
}

/** A chunk's bytes with length, type and checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const typed = joined(latin1Bytes(type), data);
  return joined(uint32(data.length, 'big'), typed, uint32(compression.crc32(typed), 'big'));
}

function malformed(what: string): InputError {
  return new InputError(`The file is not a valid PNG: ${what}.`);
}
