import { ForgottenError } from '../../errors.ts';
import { decodePicture } from '../../pictures/read.ts';
import type { ParsedRecipe } from '../../pictures/recipes/settings.ts';
import { fitted } from './frame.ts';
import { type Pixels, resizePicture } from './input.ts';
import type { ImageEmbedding } from './segmenter.ts';

/** A picture as one segmenter sees it. */
export interface EncodedView {
  /** The encoder's input, before it was normalized. */
  input: Pixels;
  embedding: ImageEmbedding;
}

/** A picture that calls are about. */
export interface KnownPicture {
  /** Digest of its file. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** The recipe in its file. */
  readonly recipe?: ParsedRecipe;
  /** Its pixels, scaled down if there are many. */
  readonly pixels: Pixels;
  /** By the segmenter's id. */
  readonly views: Map<string, EncodedView>;
}

/** Longest side of the pixels that are kept: enough for the tagger to see a small object. */
const KEPT_SIDE = 2048;
const KEPT_PICTURES = 16;

/** The pictures that were looked at last. */
export class PictureMemory {
  /** In the order of use, the latest last. */
  readonly #pictures = new Map<string, KnownPicture>();

  /**
   * A picture by its file or its name.
   * @throws ForgottenError for a name that is not remembered, InputError for a file that is no picture.
   */
  async get(image: Uint8Array | string): Promise<KnownPicture> {
    const id = typeof image === 'string' ? image : await digestOf(image);
    const known = this.#pictures.get(id);
    if (known) {
      this.#pictures.delete(id);
      this.#pictures.set(id, known);
      return known;
    }
    if (typeof image === 'string')
      throw new ForgottenError('The picture is no longer remembered: give its file again.');
    const picture = await decodePicture(image, 'The image');
    const { width, height } = picture;
    const kept = Math.max(width, height) > KEPT_SIDE ? fitted(picture, KEPT_SIDE) : { width, height };
    const pixels = await resizePicture(picture, kept);
    const { recipe } = picture;
    const made: KnownPicture = { id, width, height, pixels, views: new Map(), ...(recipe && { recipe }) };
    this.#pictures.set(id, made);
    for (const oldest of this.#pictures.keys()) {
      if (this.#pictures.size <= KEPT_PICTURES) break;
      this.#pictures.delete(oldest);
    }
    return made;
  }

  /** The others that are remembered, the latest first. */
  others({ id }: KnownPicture): KnownPicture[] {
    return [...this.#pictures.values()].filter((other) => other.id !== id).reverse();
  }

  clear(): void {
    this.#pictures.clear();
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
