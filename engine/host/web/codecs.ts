import { InputError } from '../../errors.ts';
import type { Codecs, EncodeOptions, PictureHeader, Pixels } from '../host.ts';
import { readHeader } from './picture-header.ts';
import { decodePng, encodePng } from './png.ts';
import { resized } from './resize.ts';
import { stored, upright } from './turn.ts';

/**
 * The browser's own codecs, but for PNG, whose pixels a canvas would change. What a browser cannot do: TIFF (rejected as
 * unreadable), and writing an RGB profile's colours (`toProfile` rejects: the picture is then kept in sRGB).
 */
export const codecs: Codecs = {
  async header(file) {
    const known = readHeader(file);
    if (known) return known;
    const bitmap = await open(file);
    const { width, height } = bitmap;
    bitmap.close();
    return plain({ width, height });
  },

  async decode(file, { pixels: most }) {
    const header = readHeader(file);
    if (!isExact(file, header)) return drawn(file, most);
    const pixels = decodePng(file, most);
    return upright(inBytes(pixels), header.orientation);
  },

  async decodeStored(file, { pixels: most }, { depth, ignoreProfile }) {
    const header = readHeader(file) ?? plain({ width: 0, height: 0 });
    if (header.format === 'png' && (ignoreProfile || isExact(file, header))) {
      const pixels = decodePng(file, most);
      return depth === 8 ? inBytes(pixels) : inWords(pixels);
    }
    // A browser turns what it decodes; turning it back loses nothing.
    const seen = await drawn(file, most, ignoreProfile);
    const pixels = stored(seen, header.orientation);
    return depth === 8 ? pixels : inWords(pixels);
  },

  async encode(pixels, options) {
    return options.format === 'png' ? encodePng(pixels) : encoded(pixels, options);
  },

  async resize(pixels, size) {
    return resized(pixels, size);
  },

  async toProfile() {
    throw new Error('this browser cannot convert colours to a profile');
  },
};

function plain(size: { width: number; height: number }): PictureHeader {
  const rest = { pages: 1, orientation: 1, space: 'srgb', depth: 8, palette: false } as const;
  return { ...size, format: 'avif', ...rest };
}

/** Whether the stored values are what is seen: a PNG in sRGB. */
function isExact(file: Uint8Array, header: PictureHeader | undefined): header is PictureHeader {
  if (header?.format !== 'png') return false;
  return !header.icc && !hasGamma(file);
}

/** gAMA other than sRGB's, or other primaries, without sRGB, which overrules them (w3.org/TR/png-3, 4.3). */
function hasGamma(file: Uint8Array): boolean {
  const head = String.fromCharCode(...file.subarray(0, 1000));
  return !head.includes('sRGB') && (head.includes('gAMA') || head.includes('cICP'));
}

function inBytes({ width, height, channels, data }: Pixels<Uint8Array | Uint16Array>): Pixels {
  const bytes = data instanceof Uint16Array ? Uint8Array.from(data, (value) => value >> 8) : data;
  return { width, height, channels, data: bytes };
}

function inWords(pixels: Pixels<Uint8Array | Uint16Array>): Pixels<Uint16Array> {
  const { data } = pixels;
  return {
    ...pixels,
    data: data instanceof Uint16Array ? data : Uint16Array.from(data, (value) => value * 257),
  };
}

/** Upright, in sRGB, by the browser. */
async function drawn(file: Uint8Array, maxPixels: number, ignoreProfile = false): Promise<Pixels> {
  const bitmap = await open(file, ignoreProfile ? 'none' : 'default');
  try {
    const { width, height } = bitmap;
    if (width * height > maxPixels) throw new Error('too large');
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const rgba = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { width, height, ...withoutFullAlpha(rgba) };
  } finally {
    bitmap.close();
  }
}

function withoutFullAlpha(rgba: Uint8Array): Pick<Pixels, 'channels' | 'data'> {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return { channels: 4, data: rgba };
  const data = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    data[to++] = rgba[from]!;
    data[to++] = rgba[from + 1]!;
    data[to++] = rgba[from + 2]!;
  }
  return { channels: 3, data };
}

function open(
  file: Uint8Array,
  colorSpaceConversion: ColorSpaceConversion = 'default',
): Promise<ImageBitmap> {
  const blob = new Blob([new Uint8Array(file)]);
  return createImageBitmap(blob, { colorSpaceConversion, premultiplyAlpha: 'none' });
}

/** JPEG and WebP. A browser writes WebP without loss where it is asked for the best quality. */
async function encoded(
  { width, height, channels, data }: Pixels<Uint8Array | Uint8ClampedArray | Uint16Array>,
  options: Exclude<EncodeOptions, { format: 'png' }>,
): Promise<Uint8Array> {
  const rgba = new Uint8ClampedArray(4 * width * height);
  const grey = channels < 3;
  const byte = (at: number) => (data instanceof Uint16Array ? data[at]! >> 8 : data[at]!);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = byte(channels * i + (grey ? 0 : c));
    rgba[4 * i + 3] = channels % 2 === 0 ? byte(channels * i + channels - 1) : 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  if (options.format === 'jpeg') {
    // Under what is transparent.
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
  }
  const type = `image/${options.format}`;
  const quality = 'lossless' in options ? 1 : options.quality / 100;
  const blob = await canvas.convertToBlob({ type, quality });
  // Browsers write PNG instead.
  if (blob.type !== type)
    throw new InputError(
      `This browser cannot write ${options.format === 'webp' ? 'WebP' : 'JPEG'} files. Save the image as PNG.`,
    );
  return new Uint8Array(await blob.arrayBuffer());
}
