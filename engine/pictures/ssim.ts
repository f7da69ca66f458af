import type { Picture } from './read.ts';

/** Gaussian window and stabilising constants as Wang et al. give them. */
const RADIUS = 5;
const SIGMA = 1.5;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
/** Luma weights, as in the paper's implementation (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

const KERNEL = gaussian();

/**
 * Mean structural similarity of two images' luma, −1 … 1, 1 for equal images (Wang, Bovik, Sheikh and Simoncelli, IEEE
 * Transactions on Image Processing 13(4), 2004), over all 11×11 windows inside the image.
 * @throws RangeError if the sizes differ, or a side is shorter than a window
 */
export function ssim(a: Picture, b: Picture): number {
  const { width, height } = a;
  if (b.width !== width || b.height !== height)
    throw new RangeError(`${width}×${height} and ${b.width}×${b.height} pixels cannot be compared.`);
  if (Math.min(width, height) < KERNEL.length)
    throw new RangeError(`a picture of ${width}×${height} pixels is smaller than a window.`);
  const [x, y] = [lumaOf(a), lumaOf(b)];
  const mean = (values: Float64Array) => filtered(values, width, height);
  const product = (p: Float64Array, q: Float64Array) => mean(p.map((value, i) => value * q[i]!));
  const [mx, my, xx, yy, xy] = [mean(x), mean(y), product(x, x), product(y, y), product(x, y)];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [p, q] = [mx[i]!, my[i]!];
    const variances = xx[i]! - p * p + yy[i]! - q * q;
    const covariance = xy[i]! - p * q;
    sum += ((2 * p * q + C1) * (2 * covariance + C2)) / ((p * p + q * q + C1) * (variances + C2));
  }
  return sum / mx.length;
}

function lumaOf({ width, height, pixels }: Picture): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) =>
    LUMA.reduce((sum, share, c) => sum + share * pixels[3 * i + c]!, 0),
  );
}

function gaussian(): number[] {
  const values = Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
    Math.exp(-((i - RADIUS) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / total);
}

/** Weighted means over the windows inside the image: rows, then columns. */
function filtered(values: Float64Array, width: number, height: number): Float64Array {
  const size = KERNEL.length;
  const [across, down] = [width - size + 1, height - size + 1];
  const rows = new Float64Array(across * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < across; x++)
      for (let k = 0; k < size; k++) rows[y * across + x]! += KERNEL[k]! * values[y * width + x + k]!;
  const both = new Float64Array(across * down);
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++)
      for (let k = 0; k < size; k++) both[y * across + x]! += KERNEL[k]! * rows[(y + k) * across + x]!;
  return both;
}
