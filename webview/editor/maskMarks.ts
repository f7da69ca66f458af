import type { Raster } from '../../shared/raster.ts';
import type { Size, ViewTransform } from './viewTransform.ts';

/** From this value on a pixel counts as masked. */
const INSIDE = 128;
/** Pixels of the screen from one line of the hatching to the next. */
const HATCH = 9;
/** Bytes of ABGR, as little-endian processors have RGBA in memory. */
const LIGHT = 0xffffffff;
const DARK = 0xff000000;
const FAINT_LIGHT = 0x90ffffff;
const FAINT_DARK = 0x70000000;

/**
 * Outline and hatching of a mask, in pixels of the screen, so that they are seen on any picture at any zoom: dark and
 * light lines beside each other.
 */
export class MaskMarks {
  readonly canvas = document.createElement('canvas');
  #frame: number | undefined;
  #draw: (() => void) | undefined;

  constructor() {
    this.canvas.className = 'mask-marks';
  }

  /** Draws at the next frame, only the latest of several calls. */
  show(mask: Raster | undefined, view: ViewTransform, size: Size, hatched: boolean): void {
    this.#draw = () => this.#paint(mask, view, size, hatched);
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#draw!();
    });
  }

  #paint(mask: Raster | undefined, view: ViewTransform, { width, height }: Size, hatched: boolean): void {
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d')!;
    if (width === 0 || height === 0) return;
    const image = context.createImageData(width, height);
    if (mask)
      marked(new Uint32Array(image.data.buffer), insideOf(mask, view, width, height), width, view, hatched);
    context.putImageData(image, 0, 0);
  }
}

/** Which pixels of the screen are masked, with a border of one around them: [height + 2, width + 2]. */
function insideOf(
  mask: Raster,
  { scale, left, top }: ViewTransform,
  width: number,
  height: number,
): Uint8Array {
  const across = width + 2;
  const inside = new Uint8Array(across * (height + 2));
  const columns = Int32Array.from({ length: across }, (_, x) => Math.floor((x - 0.5 - left) / scale));
  const first = Math.max(
    0,
    columns.findIndex((column) => column >= 0),
  );
  const last = columns.findLastIndex((column) => column < mask.width);
  for (let y = 0; y < height + 2; y++) {
    const row = Math.floor((y - 0.5 - top) / scale);
    if (row < 0 || row >= mask.height) continue;
    for (let x = first; x <= last; x++)
      if (columns[x]! >= 0 && mask.data[row * mask.width + columns[x]!]! >= INSIDE)
        inside[y * across + x] = 1;
  }
  return inside;
}

function marked(
  pixels: Uint32Array,
  inside: Uint8Array,
  width: number,
  { left, top }: ViewTransform,
  hatched: boolean,
): void {
  const across = width + 2;
  // Lines stay where they are on the picture when it is moved.
  const shift = HATCH * 10_000 - Math.round(left) - Math.round(top);
  for (let i = 0; i < pixels.length; i++) {
    const x = i % width;
    const y = (i - x) / width;
    const at = (y + 1) * across + x + 1;
    const around = inside[at - 1]! + inside[at + 1]! + inside[at - across]! + inside[at + across]!;
    if (inside[at]) {
      if (around < 4) pixels[i] = LIGHT;
      else if (hatched) {
        const line = (x + y + shift) % HATCH;
        if (line === 0) pixels[i] = FAINT_LIGHT;
        else if (line === 1) pixels[i] = FAINT_DARK;
      }
    } else if (around > 0) pixels[i] = DARK;
  }
}
