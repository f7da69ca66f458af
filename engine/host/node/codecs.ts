import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sharp, SharpConstructor, SharpOptions } from 'sharp';
import type { Codecs, EncodeOptions, Pixels } from '../host.ts';
import { fs } from './fs.ts';

/** libvips, by sharp, which is loaded when the first picture is. */
export const codecs: Codecs = {
  async header(file) {
    // The caller checks the size, with a sentence of its own.
    const picture = await openFile(file, {}, { pixels: false });
    const metadata = await picture.metadata();
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
      width,
      height,
      format,
      pages,
      orientation,
      space,
      palette: isPalette,
      depth: depth in bits ? bits[depth as keyof typeof bits] : 'other',
      exif,
      icc,
      xmp,
    };
  },

  async decode(file, limits) {
    const picture = await openFile(file, {}, limits);
    const { data, info } = await picture
      .autoOrient()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { width, height, channels, data };
  },

  async decodeStored(file, limits, { depth, ignoreProfile }) {
    const picture = await openFile(file, { ignoreIcc: ignoreProfile }, limits);
    const { data, info } = await picture
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

/** Formats that are decoded, by libvips' classes; it knows more, some of which run for minutes on a few bytes. */
const LOADERS = ['Png', 'Jpeg', 'Webp', 'Nsgif', 'Tiff', 'Heif'];

let library: Promise<SharpConstructor> | undefined;

/** sharp, which opens files of the formats above and no others. */
function loadSharp(): Promise<SharpConstructor> {
  library ??= import('sharp').then(({ default: sharp }) => {
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({ operation: LOADERS.map((name) => `VipsForeignLoad${name}`) });
    return sharp;
  });
  return library;
}

/** A file from anywhere: the one place where files are opened, for looking, decoding and rewriting alike. */
async function openFile(
  file: Uint8Array,
  options: SharpOptions,
  { pixels, seconds = 0 }: { pixels: number | false; seconds?: number },
): Promise<Sharp> {
  const sharp = await loadSharp();
  // Some damage does not matter to what can be seen.
  return sharp(file, { ...options, limitInputPixels: pixels, failOn: 'truncated' }).timeout({ seconds });
}

async function open({
  width,
  height,
  channels,
  data,
}: Pixels<Uint8Array | Uint8ClampedArray | Uint16Array>): Promise<Sharp> {
  const sharp = await loadSharp();
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
