/**
 * Seeded standard normal numbers, the same on every machine and independent of what else was drawn:
 * value i of (seed, stream) is a pure function of the three.
 *
 * Uniforms come from Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with the seed
 * and stream as key and the position as counter; the Box–Muller transform makes them normal in float64.
 * `Math.log`, `cos` and `sin` are V8's own (fdlibm), not the platform's; rounding to float32 hides what another
 * JavaScript engine may do differently in the last bit.
 */

import { float32 } from './graph/tensor.ts';

/** Stream of the starting noise. */
export const START_NOISE = 0;

/** Stream of the noise that a stochastic sampler draws at a step. */
export function stepNoise(index: number): number {
  return index + 1;
}

/**
 * @param seed 0 … 2⁵³−1; @param stream 0 … 2³²−1; @param length how many, up to 2³².
 */
export function gaussianNoise(seed: number, stream: number, length: number): Float32Array {
  const result = new Float32Array(length);
  const block = new Uint32Array(4);
  for (let i = 0; i < length; i += 4) {
    philox(seed, stream, i / 4, block);
    for (let j = 0; j < 4; j += 2) {
      // (0, 1]: the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log((block[j]! + 1) / 2 ** 32));
      const angle = 2 * Math.PI * (block[j + 1]! / 2 ** 32);
      // Writes beyond the end of a typed array are ignored.
      result[i + j] = radius * Math.cos(angle);
      result[i + j + 1] = radius * Math.sin(angle);
    }
  }
  return result;
}

/** Standard normal numbers as a tensor of these dimensions; see `gaussianNoise`. */
export function gaussianTensor(seed: number, stream: number, dims: readonly number[]) {
  return float32(
    gaussianNoise(
      seed,
      stream,
      dims.reduce((a, b) => a * b, 1),
    ),
    dims,
  );
}

/**
 * One block of four 32-bit words of Philox4x32-10: key (seed, stream), counter (position, 0, 0, 0). The upper bits of a
 * seed beyond 32 bits are in the counter's second word.
 */
export function philox(seed: number, stream: number, position: number, block: Uint32Array): void {
  let key0 = seed >>> 0;
  let key1 = stream >>> 0;
  let c0 = position >>> 0;
  let c1 = Math.floor(seed / 2 ** 32) >>> 0;
  let c2 = 0;
  let c3 = 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) | 0;
}
