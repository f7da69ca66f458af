/**
 * PNG file of a picture given as planes, 8 bits a channel.
 * @param planes [C, height, width] (or a batch of one), values −1 … 1, rounded and clamped; C is 3 (RGB) or 4 (RGBA).
 * @throws RangeError if the planes don't have that many values.
 */
export async function encodePng(planes: Float32Array, width: number, height: number): Promise<Uint8Array> {
  return encode(planes, width, height, (picture) => picture);
}

/** The same, made smaller so that its longer side is at most `maxSide` pixels; for progress reports. */
export async function encodePreview(
  planes: Float32Array,
  width: number,
  height: number,
  maxSide: number,
): Promise<Uint8Array> {
  return encode(planes, width, height, (picture) =>
    picture.resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true }),
  );
}

type Picture = import('sharp').Sharp;

async function encode(
  planes: Float32Array,
  width: number,
  height: number,
  prepare: (picture: Picture) => Picture,
): Promise<Uint8Array> {
  const channels = planes.length / (width * height);
  if (channels !== 3 && channels !== 4) {
    throw new RangeError(`${planes.length} values are not a picture of ${width}×${height} pixels.`);
  }
  const { default: sharp } = await import('sharp');
  const raw = { width, height, channels } as const;
  return prepare(sharp(interleave(planes, channels), { raw }))
    .png()
    .toBuffer();
}

/** [C, N] of −1 … 1 → [N, C] of 0 … 255; what is not a number becomes 0. */
export function interleave(planes: Float32Array, channels: number): Uint8ClampedArray {
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
