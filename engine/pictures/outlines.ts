import type { CONTROL_HINTS } from '../../shared/api.ts';
import type { Picture } from './read.ts';

type Hint = (typeof CONTROL_HINTS)[number];

/** White lines on black, of a picture's size. */
export function outlines(picture: Picture, hint: Hint): Picture {
  const { width, height } = picture;
  const lines = hint === 'canny' ? canny(picture) : scribble(picture);
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < lines.length; i++) if (lines[i]) pixels.fill(255, 3 * i, 3 * i + 3);
  return { width, height, pixels };
}

/** Gradients above the larger one begin a line, those above the smaller one continue it; OpenCV's usual values. */
const LOW = 100;
const HIGH = 200;

/** tan 22.5°, between the directions of gradients. */
const TANGENT = Math.SQRT2 - 1;

/**
 * Edges (Canny 1986) as OpenCV finds them without smoothing first: Sobel's gradients of the channel where they are
 * largest, |dx| + |dy|, thinned across the gradient, joined by hysteresis.
 */
function canny({ width, height, pixels }: Picture): Uint8Array {
  const { dx, dy, size } = gradients(pixels, width, height);
  const at = (y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : size[y * width + x]!;
  const edges = new Uint8Array(width * height);
  const open: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const own = size[i]!;
      if (own <= LOW) continue;
      const [across, down] = [Math.abs(dx[i]!), Math.abs(dy[i]!)];
      const slant = dx[i]! < 0 === dy[i]! < 0 ? 1 : -1;
      const [sy, sx] = down <= TANGENT * across ? [0, 1] : across <= TANGENT * down ? [1, 0] : [1, slant];
      // If two neighbours are equal, the first one counts.
      if (!(own > at(y - sy, x - sx) && own >= at(y + sy, x + sx))) continue;
      edges[i] = own > HIGH ? 2 : 1;
      if (own > HIGH) open.push(i);
    }
  while (open.length > 0) {
    const i = open.pop()!;
    const [y, x] = [Math.floor(i / width), i % width];
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++)
        if (edges[ny * width + nx] === 1) {
          edges[ny * width + nx] = 2;
          open.push(ny * width + nx);
        }
  }
  return edges.map((edge) => (edge === 2 ? 1 : 0));
}

function gradients(pixels: Uint8Array, width: number, height: number) {
  const [dx, dy, size] = [0, 0, 0].map(() => new Int16Array(width * height)) as [
    Int16Array,
    Int16Array,
    Int16Array,
  ];
  const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
  for (let y = 0; y < height; y++) {
    const [above, below] = [clamp(y - 1, height - 1) * width, clamp(y + 1, height - 1) * width];
    for (let x = 0; x < width; x++) {
      const [left, right] = [clamp(x - 1, width - 1), clamp(x + 1, width - 1)];
      const i = y * width + x;
      for (let c = 0; c < 3; c++) {
        const value = (row: number, column: number) => pixels[3 * (row + column) + c]!;
        const middle = y * width;
        const h =
          value(above, right) -
          value(above, left) +
          2 * (value(middle, right) - value(middle, left)) +
          value(below, right) -
          value(below, left);
        const v =
          value(below, left) -
          value(above, left) +
          2 * (value(below, x) - value(above, x)) +
          value(below, right) -
          value(above, right);
        const sum = Math.abs(h) + Math.abs(v);
        if (sum <= size[i]! && c > 0) continue;
        [dx[i], dy[i], size[i]] = [h, v, sum];
      }
    }
  }
  return { dx, dy, size };
}

/** Widths of the two blurs, and how much darker than its surroundings a line is, of 255. */
const NARROW = 0.5;
const WIDE = 5;
const DARKER = 16;

/** Dark lines: where a narrow blur is darker than a wide one in every channel (Winnemöller 2012, XDoG). */
function scribble({ width, height, pixels }: Picture): Uint8Array {
  const channels = [0, 1, 2].map((c) => {
    const plane = Float32Array.from({ length: width * height }, (_, i) => pixels[3 * i + c]!);
    const [narrow, wide] = [NARROW, WIDE].map((sigma) => blurred(plane, width, height, sigma));
    return wide!.map((value, i) => value - narrow![i]!);
  });
  return Uint8Array.from({ length: width * height }, (_, i) =>
    channels.every((difference) => difference[i]! > DARKER) ? 1 : 0,
  );
}

/** Gaussian blur; beyond the border the picture is mirrored. */
function blurred(plane: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const radius = Math.ceil(4 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const mirrored = (at: number, length: number) => {
    const period = Math.max(1, 2 * (length - 1));
    const place = ((at % period) + period) % period;
    return place < length ? place : period - place;
  };
  const along = (source: Float32Array, step: number, length: number, across: number, stride: number) => {
    const result = new Float32Array(source.length);
    for (let line = 0; line < across; line++)
      for (let at = 0; at < length; at++) {
        let sum = 0;
        for (let k = -radius; k <= radius; k++)
          sum += weights[k + radius]! * source[line * stride + mirrored(at + k, length) * step]!;
        result[line * stride + at * step] = sum / total;
      }
    return result;
  };
  return along(along(plane, 1, width, height, width), width, height, width, 1);
}
