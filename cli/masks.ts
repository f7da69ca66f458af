import path from 'node:path';
import { decodeLatentMask } from '../engine/pictures/mask.ts';
import { readPictureFile } from '../engine/pictures/read.ts';
import type { Mask } from '../engine/regions/mask.ts';

/** A mask picture brought to latent size: active where any white pixel falls. */
export async function readLatentMask(
  file: string,
  height: number,
  width: number,
  scale: number,
): Promise<Mask> {
  return decodeLatentMask(await readPictureFile(file), `The mask ${file}`, { height, width }, scale);
}

/** A mask's name in tables: its file's, without folders and ending. */
export function maskName(file: string): string {
  return path.basename(file).replace(/\.[^.]*$/, '');
}
