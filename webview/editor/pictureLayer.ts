import type { Patch } from '../raster.ts';
import type { Size } from './viewTransform.ts';

/** The picture as it was opened and as it is now, each on a canvas. */
export class PictureLayer {
  readonly before: HTMLCanvasElement;
  readonly current: HTMLCanvasElement;

  /** @throws DOMException if the file cannot be decoded. */
  static async open(file: Uint8Array<ArrayBuffer>, mime: string): Promise<PictureLayer> {
    const bitmap = await createImageBitmap(new Blob([file], { type: mime }));
    try {
      return new PictureLayer(bitmap);
    } finally {
      bitmap.close();
    }
  }

  private constructor(bitmap: ImageBitmap) {
    this.before = drawn(bitmap);
    this.current = drawn(bitmap);
  }

  get size(): Size {
    return { width: this.current.width, height: this.current.height };
  }

  /** Takes over RGB values; alpha stays. */
  write(patch: Patch): void {
    paint(this.current, patch, this.current);
  }

  /** The values of a part as RGBA, now or when the picture was opened. */
  values(canvas: 'before' | 'current', left: number, top: number, width: number, height: number): ImageData {
    return this[canvas].getContext('2d')!.getImageData(left, top, width, height);
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

function drawn(bitmap: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  // The values are read back for every change.
  canvas.getContext('2d', { willReadFrequently: true })!.drawImage(bitmap, 0, 0);
  return canvas;
}
