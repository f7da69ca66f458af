import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sharp } from 'sharp';
import type { Codecs, EncodeOptions, Pixels } from '../host.ts';
import { fs } from './fs.ts';

/** libvips, by sharp, which is loaded when the first picture is. */
export const codecs: Codecs = {
  async header(file) {
    const { default: sharp } = await import('sharp');
    // The caller checks the size, with a sentence of its own.
    const metadata = await sharp(file, { limitInputPixels: false }).metadata();
    const {
      width,
      height,
      format,
      pages = 1,
      orientation = 1,
      space,
      depth,
      isPalette,
      exif,
      icc,
      xmp,
    } = metadata;
    const bits = { uchar: 8, ushort: 16 } as const;
    return {
      ...{ width, height, format, pages, orientation, space, palette: isPalette },
      depth: depth in bits ? bits[depth as keyof typeof bits] : 'other',
      ...{ exif, icc, xmp },
    };
  },

  async decode(file, maxPixels) {
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(file, { limitInputPixels: maxPixels, failOn: 'truncated' })
      .autoOrient()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { width, height, channels, data };
  },

  async decodeStored(file, { depth, ignoreProfile }) {
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(file, { ignoreIcc: ignoreProfile, failOn: 'truncated' })
      .toColourspace(depth === 16 ? 'rgb16' : 'srgb')
      .raw({ depth: depth === 16 ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const values = depth === 16 ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    return { width, height, channels, data: values };
  },

  async encode(pixels, options) {
    return encoded(await open(pixels), options).toBuffer();
  },

  async resize(pixels, size) {
    const picture = await open(pixels);
    return picture
      .resize({ ...size, fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
  },

  async toProfile(pixels, icc) {
    const picture = await open(pixels);
    // libvips takes profiles from files only.
    return fs.withTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'profile.icc');
      await writeFile(file, icc);
      return picture.withIccProfile(file).raw().toBuffer();
    });
  },
};

async function open({
  width,
  height,
  channels,
  data,
}: Pixels<Uint8Array | Uint8ClampedArray | Uint16Array>): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const picture = sharp(data, { raw: { width, height, channels } });
  if (data instanceof Uint16Array) return picture.toColourspace('rgb16');
  return channels === 1 ? picture.toColourspace('b-w') : picture;
}

function encoded(picture: Sharp, options: EncodeOptions): Sharp {
  if (options.format === 'png')
    return picture.png(options.compression === undefined ? {} : { compressionLevel: options.compression });
  if (options.format === 'jpeg')
    return picture
      .flatten({ background: 'white' })
      .jpeg({ quality: options.quality, chromaSubsampling: '4:4:4' });
  // `exact` keeps the colours of transparent pixels.
  if ('lossless' in options) return picture.webp({ lossless: true, exact: true });
  return picture.webp({ quality: options.quality, smartSubsample: true });
}
