import { copyBlob } from './clipboard.ts';

/** Object URLs of the pictures that the page shows. Bytes are requested when an image is first shown. */
export class PictureCache {
  readonly #fetch: (id: string) => void;
  readonly #asked = new Set<string>();
  readonly #urls = new Map<string, string>();
  readonly #blobs = new Map<string, Blob>();
  #preview: string | undefined;
  #live: string | undefined;

  constructor(fetch: (id: string) => void) {
    this.#fetch = fetch;
  }

  /** The picture's address, or undefined until its bytes have come. */
  url(id: string): string | undefined {
    if (!this.#asked.has(id)) {
      this.#asked.add(id);
      this.#fetch(id);
    }
    return this.#urls.get(id);
  }

  blob(id: string): Blob | undefined {
    return this.#blobs.get(id);
  }

  set(id: string, png: Uint8Array<ArrayBuffer>): void {
    this.#revoke(this.#urls.get(id));
    const blob = new Blob([png], { type: 'image/png' });
    this.#blobs.set(id, blob);
    this.#urls.set(id, URL.createObjectURL(blob));
  }

  /** The preview of an image that is being generated. */
  get preview(): string | undefined {
    return this.#preview;
  }

  setPreview(png: Uint8Array<ArrayBuffer> | undefined): void {
    this.#revoke(this.#preview);
    this.#preview = png && URL.createObjectURL(new Blob([png], { type: 'image/png' }));
  }

  /** The draft of the form as it is typed. */
  get live(): string | undefined {
    return this.#live;
  }

  setLive(png: Uint8Array<ArrayBuffer>): void {
    this.#revoke(this.#live);
    this.#live = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
  }

  /** Frees all images but these. */
  keep(ids: readonly string[]): void {
    for (const id of [...this.#urls.keys()]) {
      if (ids.includes(id)) continue;
      this.#revoke(this.#urls.get(id));
      this.#urls.delete(id);
      this.#blobs.delete(id);
      this.#asked.delete(id);
    }
  }

  #revoke(url: string | undefined): void {
    if (url) URL.revokeObjectURL(url);
  }
}

/** Puts a picture on the clipboard. */
export async function copyPicture(pictures: PictureCache, id: string): Promise<void> {
  const blob = pictures.blob(id);
  if (!blob) throw new Error('it is not loaded yet.');
  await copyBlob(blob);
}
