import { InputError } from '../errors.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import { placeOf } from '../models/networks.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { openSafetensors, type SafetensorsFile } from '../weights/safetensors.ts';

/** One compared tensor. Relative error is max |out − reference| / max |reference|. */
export interface Comparison {
  name: string;
  maxAbs: number;
  relative: number;
  /** Largest relative error that passes. */
  limit: number;
}

/** Largest relative error of a network's output, float32. */
const NETWORK_LIMIT = 1e-4;

/** What the names of a U-Net's references begin with: its folder in the diffusers layout. */
export const DENOISER = placeOf('denoiser').folder;

/** A file of reference tensors. */
export class Reference {
  readonly #file: SafetensorsFile;

  private constructor(file: SafetensorsFile) {
    this.#file = file;
  }

  static async open(file: string): Promise<Reference> {
    return new Reference(await openSafetensors(file));
  }

  get origin(): string {
    return this.#file.origin;
  }

  names(): Iterable<string> {
    return this.#file.names();
  }

  metadata(key: string): string | undefined {
    return this.#file.metadata[key];
  }

  has(name: string): boolean {
    return this.#file.find(name) !== undefined;
  }

  shape(name: string): readonly number[] {
    return this.#find(name).shape;
  }

  floats(name: string): Promise<Float32Array> {
    return readFloat32(this.#find(name));
  }

  integers(name: string): Promise<BigInt64Array> {
    return readInt64(this.#find(name));
  }

  async tensor(name: string): Promise<Tensor & { type: 'float32' }> {
    return float32(await this.floats(name), this.shape(name));
  }

  /** Compares computed values with the reference `name`; `as` names the comparison. */
  async compare(name: string, actual: Float32Array, limit = NETWORK_LIMIT, as = name): Promise<Comparison> {
    const reference = await this.floats(name);
    if (actual.length !== reference.length)
      throw new InputError(
        `${this.origin}: ${name} has ${reference.length} values, but ${actual.length} were computed.`,
      );
    let maxAbs = 0;
    let scale = 0;
    for (const [i, value] of reference.entries()) {
      const difference = Math.abs(actual[i]! - value);
      // A NaN on either side is an infinite error.
      maxAbs = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(maxAbs, difference);
      scale = Math.max(scale, Math.abs(value));
    }
    return { name: as, maxAbs, relative: maxAbs / (scale || 1), limit };
  }

  #find(name: string) {
    const tensor = this.#file.find(name);
    if (!tensor) throw new InputError(`${this.origin}: reference tensor ${name} is missing.`);
    return tensor;
  }
}
