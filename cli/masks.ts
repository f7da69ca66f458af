import path from 'node:path';
import { InputError } from '../engine/errors.ts';
import { latentMask, scaleMask, whiteOf } from '../engine/pictures/mask.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { activeCount, type Mask } from '../engine/regions/mask.ts';

/** A mask picture brought to latent size: active where any white pixel falls. */
export async function readLatentMask(
  file: string,
  height: number,
  width: number,
  scale: number,
): Promise<Mask> {
  const white = whiteOf(await readPicture(file));
  if (activeCount(white) === 0) throw new InputError(`The mask ${file} has no white pixel.`);
  if (white.height === height && white.width === width) return white;
  return latentMask(scaleMask(white, width * scale, height * scale), scale);
}

/** A mask's name in tables: its file's, without folders and ending. */
export function maskName(file: string): string {
  return path.basename(file).replace(/\.[^.]*$/, '');
}
