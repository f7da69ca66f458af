import type { FileReader } from '#host';
import { InputError } from '../../errors.ts';
import { readInto } from '../range.ts';

const CHUNK = 1 << 16;

/** Reads numbers and texts of a file in order, little-endian, a piece at a time. */
export class SequentialReader {
  readonly #reader: FileReader;
  readonly #file: string;
  readonly #size: number;
  #chunk = new Uint8Array(0);
  #view = new DataView(this.#chunk.buffer);
  #begin = 0;
  #at = 0;

  constructor(reader: FileReader, file: string, size: number) {
    this.#reader = reader;
    this.#file = file;
    this.#size = size;
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#begin + this.#at;
  }

  fault(what: string): InputError {
    return new InputError(`${this.#file}: ${what}; the file is damaged or cut off, get it again.`);
  }

  /** Makes sure that this many bytes have been read. @returns their place in the piece */
  async #take(length: number): Promise<number> {
    if (length > this.#size - this.position) throw this.fault('its header ends early');
    if (this.#at + length > this.#chunk.length) {
      const position = this.position;
      this.#chunk = new Uint8Array(Math.min(Math.max(CHUNK, length), this.#size - position));
      this.#view = new DataView(this.#chunk.buffer);
      await readInto(this.#reader, this.#file, position, this.#chunk);
      this.#begin = position;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }

  async uint32(): Promise<number> {
    const at = await this.#take(4);
    return this.#view.getUint32(at, true);
  }

  async uint64(): Promise<number> {
    const at = await this.#take(8);
    const value = this.#view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.fault('a number is too large');
    return Number(value);
  }

  async text(most: number): Promise<string> {
    const length = await this.uint64();
    if (length > most) throw this.fault('a text is too long');
    const at = await this.#take(length);
    return new TextDecoder().decode(this.#chunk.subarray(at, at + length));
  }

  /** A number of some bytes as text. */
  async number(kind: 'int' | 'uint' | 'float', bytes: 1 | 2 | 4 | 8): Promise<string> {
    const at = await this.#take(bytes);
    if (kind === 'float')
      return String(bytes === 4 ? this.#view.getFloat32(at, true) : this.#view.getFloat64(at, true));
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#view.getUint8(at + i));
    return String(kind === 'int' ? BigInt.asIntN(8 * bytes, value) : value);
  }

  /** Skips this many bytes. */
  skip(length: number): void {
    if (length > this.#size - this.position) throw this.fault('its header ends early');
    const target = this.position + length;
    if (target <= this.#begin + this.#chunk.length) {
      this.#at += length;
      return;
    }
    this.#chunk = new Uint8Array(0);
    this.#view = new DataView(this.#chunk.buffer);
    this.#begin = target;
    this.#at = 0;
  }
}
