import { type Area, type Patch, sameArea, wholeOf } from '../../shared/raster.ts';
import type { Size } from './viewTransform.ts';

/** The opened and the current picture, each on a canvas. */
export class PictureLayer {
  readonly before: HTMLCanvasElement;
  readonly current: HTMLCanvasElement;
  /** Where the canvas is in the file's pixels. */
  readonly frame: Area;
  /** The whole picture as it was opened. */
  readonly #file: HTMLCanvasElement;
  /** Until `#file` is drawn from it. */
  #bitmap: ImageBitmap | undefined;

  /** @throws DOMException if the file cannot be decoded. */
  static async open(file: Uint8Array<ArrayBuffer>, mime: string): Promise<PictureLayer> {
    const bitmap = await createImageBitmap(new Blob([file], { type: mime }));
    const { width, height } = bitmap;
    const layer = new PictureLayer({ left: 0, top: 0, width, height }, blank({ width, height }));
    layer.#bitmap = bitmap;
    contextOf(layer.current).drawImage(bitmap, 0, 0);
    return layer;
  }

  private constructor(frame: Area, file: HTMLCanvasElement) {
    this.frame = frame;
    this.#file = file;
    this.before = sameArea(frame, wholeOf(file)) ? file : blank(frame);
    this.current = blank(frame);
  }

  /** The same file on a canvas with other edges, opaque beyond the file's; its pixels follow. */
  reframed(frame: Area): PictureLayer {
    this.complete();
    const layer = new PictureLayer(frame, this.#file);
    const [left, top] = [-frame.left, -frame.top];
    if (layer.before !== this.#file) contextOf(layer.before).drawImage(this.#file, left, top);
    const context = contextOf(layer.current);
    context.fillRect(0, 0, frame.width, frame.height);
    context.clearRect(left, top, this.#file.width, this.#file.height);
    context.drawImage(this.#file, left, top);
    return layer;
  }

  /** Draws what the first view of an image does not need. */
  complete(): void {
    if (!this.#bitmap) return;
    contextOf(this.#file).drawImage(this.#bitmap, 0, 0);
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

function blank({ width, height }: Size): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  // The values are read back for every change.
  return canvas.getContext('2d', { willReadFrequently: true })!;
}
