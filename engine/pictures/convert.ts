import { codecs, path } from '#host';
import type { Recipe } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import { exifWithComment } from './exif-comment.ts';
import { type PictureFormat, withMetadata } from './metadata.ts';
import { openPicture } from './open.ts';
import { formatRecipe } from './recipes/webui.ts';
import { LOSSY_QUALITY } from './rewrite.ts';

const FORMATS: Readonly<Record<string, PictureFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
};

/** The format that a file's ending stands for. @throws InputError for others than PNG, JPEG and WebP */
export function formatOf(file: string): PictureFormat {
  const format = FORMATS[path.extname(file).toLowerCase()];
  if (!format) throw new InputError(`${path.basename(file)} must end in .png, .jpg, .jpeg or .webp.`);
  return format;
}

/**
 * A PNG file of ours in another format. WebP keeps its pixels, JPEG nearly (`LOSSY_QUALITY`); both hold the recipe as
 * EXIF's UserComment, where Stable Diffusion tools look for it.
 */
export async function convertPicture(
  png: Uint8Array,
  format: PictureFormat,
  recipe: Recipe,
): Promise<Uint8Array> {
  if (format === 'png') return png;
  const opened = await openPicture(png, 'The image');
  const pixels = await opened.decodeStored({ depth: 8, ignoreProfile: true });
  const bytes = await codecs.encode(
    pixels,
    format === 'webp' ? { format, lossless: true } : { format, quality: LOSSY_QUALITY },
  );
  return withMetadata(bytes, format, { exif: exifWithComment(formatRecipe(recipe)) });
}
