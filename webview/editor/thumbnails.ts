import type { Patch } from '../../shared/raster.ts';
import { type PictureLayer, paint } from './pictureLayer.ts';

/** Received patches, with thumbnails to choose from. */
export class Thumbnails {
  readonly urls = new Map<string, string>();
  readonly #patches = new Map<string, Patch>();

  patch(id: string): Patch | undefined {
    return this.#patches.get(id);
  }

  /** @param picture whose opacity it has; opaque if absent */
  async add(id: string, patch: Patch, picture?: PictureLayer): Promise<void> {
    this.#patches.set(id, patch);
    const canvas = document.createElement('canvas');
    canvas.width = patch.width;
    canvas.height = patch.height;
    if (picture) paint(canvas, patch, picture.current, { left: 0, top: 0 });
    else drawOpaque(canvas, patch);
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

/** Draws RGB values, or greys. */
function drawOpaque(canvas: HTMLCanvasElement, { width, height, data }: Patch): void {
  const channels = data.length / (width * height);
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 4; c++) image.data[4 * i + c] = c === 3 ? 255 : data[i * channels + (c % channels)]!;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
