import { messageOf } from '../../../shared/errorMessage.ts';
import { InputError } from '../../errors.ts';
import { remembered } from '../../remembered.ts';
import { type Found, fileError, type Store } from './store.ts';

/** Reads a file by its path from the store's folder. */
export type ReadResource = (place: string) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Files of the extension. Their server has no listing, so the build writes one: path → bytes. Each has a few
 * megabytes at most, and is read once, as a whole.
 */
export class ResourceStore implements Store {
  readonly #read: ReadResource;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #folders: ReadonlySet<string>;
  readonly #fetched = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(read: ReadResource, sizes: Readonly<Record<string, number>>) {
    this.#read = read;
    this.#sizes = new Map(Object.entries(sizes));
    const folders = Object.keys(sizes).flatMap((file) => {
      const parts = file.split('/');
      return parts.map((_, i) => parts.slice(0, i).join('/'));
    });
    this.#folders = new Set(['', ...folders]);
  }

  async find(place: string): Promise<Found | undefined> {
    const size = this.#sizes.get(place);
    if (size !== undefined) return { folder: false, size, mtimeMs: 0 };
    return this.#folders.has(place) ? { folder: true, mtimeMs: 0 } : undefined;
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const below = [...this.#sizes.keys()].filter((place) => place.startsWith(prefix));
    return [...new Set(below.map((place) => place.slice(prefix.length).split('/')[0]!))];
  }

  open(place: string): Promise<Uint8Array<ArrayBuffer>> {
    // After a failure the next try may succeed.
    return remembered(this.#fetched, place, () => this.#fetch(place));
  }

  async #fetch(place: string): Promise<Uint8Array<ArrayBuffer>> {
    const size = this.#sizes.get(place);
    if (size === undefined) throw fileError('ENOENT', place);
    const failed = (why: string, cause?: unknown) =>
      new InputError(`${place}, a file of Patchwork, could not be loaded: ${why}. Reload the window.`, {
        cause,
      });
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await this.#read(place);
    } catch (error) {
      throw failed(messageOf(error), error);
    }
    if (bytes.length !== size) throw failed(`it has ${bytes.length} bytes instead of ${size}`);
    return bytes;
  }
}
