import type { Patch } from '../../shared/raster.ts';
import { type PictureLayer, paint } from './pictureLayer.ts';

/** The variations that came, with small pictures of them. */
export class Thumbnails {
  readonly urls = new Map<string, string>();
  readonly #patches = new Map<string, Patch>();

  patch(id: string): Patch | undefined {
    return this.#patches.get(id);
  }

  async add(id: string, patch: Patch, picture: PictureLayer): Promise<void> {
    this.#patches.set(id, patch);
    const canvas = document.createElement('canvas');
    canvas.width = patch.width;
    canvas.height = patch.height;
    paint(canvas, patch, picture.current, { left: 0, top: 0 });
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
    if (blob && this.#patches.has(id)) this.urls.set(id, URL.createObjectURL(blob));
  }

  /** Forgets all but these. */
  keep(ids: readonly string[]): void {
    for (const id of [...this.#patches.keys()]) {
      if (ids.includes(id)) continue;
      this.#patches.delete(id);
      const url = this.urls.get(id);
      if (url) URL.revokeObjectURL(url);
      this.urls.delete(id);
    }
  }
}
