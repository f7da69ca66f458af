import { codecs } from '#host';

/**
 * Encodes planes as a PNG file with 8 bits a channel.
 * @param planes [C, height, width] (or a batch of one), values −1 … 1, rounded and clamped; C is 3 (RGB) or 4 (RGBA).
 * @throws RangeError if the planes don't have that many values.
 */
export async function encodePng(planes: Float32Array, width: number, height: number): Promise<Uint8Array> {
  const channels = planes.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    throw new RangeError(`${planes.length} values are not a picture of ${width}×${height} pixels.`);
  }
  const data = interleave(planes, channels);
  return codecs.encode({ width, height, channels, data }, { format: 'png' });
}

/** [C, N] of −1 … 1 → [N, C] of 0 … 255; NaN becomes 0. */
function interleave(planes: Float32Array, channels: number): Uint8ClampedArray {
  const positions = planes.length / channels;
  const pixels = new Uint8ClampedArray(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < positions; i++) {
      // A clamped array rounds by itself.
      pixels[i * channels + channel] = (planes[channel * positions + i]! + 1) * 127.5;
    }
  }
  return pixels;
}
