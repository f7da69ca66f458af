import { type Changes, collected, type Found, fileError, type Store } from './store.ts';

/** Files in memory, lost when the page closes, for browsers that refuse storage. */
export class MemoryStore implements Store {
  readonly #files = new Map<string, { blob: Blob; mtimeMs: number }>();
  readonly #folders = new Map<string, number>([['', Date.now()]]);

  async find(place: string): Promise<Found | undefined> {
    const file = this.#files.get(place);
    if (file) return { folder: false, size: file.blob.size, mtimeMs: file.mtimeMs };
    const made = this.#folders.get(place);
    return made === undefined ? undefined : { folder: true, mtimeMs: made };
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const below = [...this.#files.keys(), ...this.#folders.keys()].filter(
      (place) => place !== '' && place.startsWith(prefix),
    );
    return [...new Set(below.map((place) => place.slice(prefix.length).split('/')[0]!))];
  }

  async open(place: string): Promise<Blob> {
    const file = this.#files.get(place);
    if (!file) throw fileError('ENOENT', place);
    return file.blob;
  }

  readonly changes: Changes = {
    mkdir: async (folder) => {
      const parts = folder.split('/');
      for (let i = 1; i <= parts.length; i++) {
        const place = parts.slice(0, i).join('/');
        if (!this.#folders.has(place)) this.#folders.set(place, Date.now());
      }
    },
    remove: async (place) => {
      for (const known of [this.#files, this.#folders])
        for (const name of known.keys())
          if (name !== '' && (name === place || name.startsWith(`${place}/`))) known.delete(name);
    },
    write: async (place, keep) =>
      collected(keep > 0 ? (await this.open(place)).slice(0, keep) : undefined, async (blob) => {
        this.#files.set(place, { blob, mtimeMs: Date.now() });
      }),
    rename: async (from, to) => {
      const file = this.#files.get(from);
      if (!file) throw fileError('ENOENT', from);
      this.#files.delete(from);
      this.#files.set(to, file);
    },
    // What is kept here is for this script alone, and only while it runs.
    freeBytes: async () => 0,
  };
}
