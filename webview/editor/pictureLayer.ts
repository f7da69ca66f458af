import type { Patch } from '../../shared/raster.ts';
import type { Size } from './viewTransform.ts';

/** The picture as it was opened and as it is now, each on a canvas. */
export class PictureLayer {
  readonly before: HTMLCanvasElement;
  readonly current: HTMLCanvasElement;
  /** Until `before` is drawn from it. */
  #bitmap: ImageBitmap | undefined;

  /** @throws DOMException if the file cannot be decoded. */
  static async open(file: Uint8Array<ArrayBuffer>, mime: string): Promise<PictureLayer> {
    return new PictureLayer(await createImageBitmap(new Blob([file], { type: mime })));
  }

  private constructor(bitmap: ImageBitmap) {
    this.#bitmap = bitmap;
    this.before = blank(bitmap);
    this.current = blank(bitmap);
    contextOf(this.current).drawImage(bitmap, 0, 0);
  }

  /** Draws what the first sight of a picture does not need. */
  complete(): void {
    if (!this.#bitmap) return;
    contextOf(this.before).drawImage(this.#bitmap, 0, 0);
    this.#bitmap.close();
    this.#bitmap = undefined;
  }

  get size(): Size {
    return { width: this.current.width, height: this.current.height };
  }

  /** Takes over RGB values; alpha stays. */
  write(patch: Patch): void {
    this.complete();
    paint(this.current, patch, this.current);
  }

  /** The values of a part as RGBA, now or when the picture was opened. */
  values(canvas: 'before' | 'current', left: number, top: number, width: number, height: number): ImageData {
    this.complete();
    return contextOf(this[canvas]).getImageData(left, top, width, height);
  }
}

/** Draws RGB values with the alpha that `source` has there. */
export function paint(
  target: HTMLCanvasElement,
  { left, top, width, height, data }: Patch,
  source: HTMLCanvasElement,
  at = { left, top },
): void {
  const image = source.getContext('2d')!.getImageData(left, top, width, height);
  for (let i = 0, j = 0; j < data.length; i += 4, j += 3) {
    image.data[i] = data[j]!;
    image.data[i + 1] = data[j + 1]!;
    image.data[i + 2] = data[j + 2]!;
  }
  target.getContext('2d')!.putImageData(image, at.left, at.top);
}

function blank({ width, height }: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  // The values are read back for every change.
  return canvas.getContext('2d', { willReadFrequently: true })!;
}
