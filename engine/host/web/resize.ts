import type { Pixels } from '../host.ts';

/** Which values of a line each value of the new line is made of: bilinear, where it becomes smaller a triangle filter. */
interface Taps {
  from: number;
  weights: Float32Array;
}

/** See `Codecs.resize`. */
export function resized(pixels: Pixels, size: { width: number; height: number }): Uint8Array {
  const { width, height, channels, data } = pixels;
  const across = tapsOf(width, size.width);
  const down = tapsOf(height, size.height);
  const rows = new Float32Array(height * size.width * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < size.width; x++) {
      const { from, weights } = across[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++)
          sum += weights[i]! * data[(y * width + from + i) * channels + c]!;
        rows[(y * size.width + x) * channels + c] = sum;
      }
    }
  const result = new Uint8Array(size.width * size.height * channels);
  const length = size.width * channels;
  for (let y = 0; y < size.height; y++) {
    const { from, weights } = down[y]!;
    for (let x = 0; x < length; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * rows[(from + i) * length + x]!;
      result[y * length + x] = Math.min(255, Math.max(0, Math.round(sum)));
    }
  }
  return result;
}

function tapsOf(before: number, after: number): Taps[] {
  const scale = before / after;
  const reach = Math.max(1, scale);
  return Array.from({ length: after }, (_, i) => {
    // Where it becomes larger, libvips places pixels by their corners.
    const centre = scale < 1 ? i * scale - 0.5 : (i + 0.5) * scale - 0.5;
    const inside = (place: number) => Math.min(before - 1, Math.max(0, place));
    const [first, last] = [Math.ceil(centre - reach), Math.floor(centre + reach)];
    const from = inside(first);
    const weights = new Float32Array(inside(last) - from + 1);
    // Beyond its ends the line repeats its last values.
    for (let place = first; place <= last; place++)
      weights[inside(place) - from]! += Math.max(0, 1 - Math.abs(place - centre) / reach);
    const sum = weights.reduce((a, b) => a + b, 0);
    return { from, weights: weights.map((weight) => weight / sum) };
  });
}
