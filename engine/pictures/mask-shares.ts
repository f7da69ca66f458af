import { sizeAt } from '../graph/macs.ts';
import type { Mask } from '../regions/mask.ts';
import { type PictureWindow, windowMask } from './window.ts';

/** Levels that a network has at most. */
const LEVELS = 8;

/** A map of one number for each position, [height, width]. */
export interface Shares {
  height: number;
  width: number;
  data: Float32Array;
}

/**
 * A mask of a picture at every level of a network, from the finest: the share of each position that is masked, in the
 * part of the picture that the network sees. `scale`: pixels of a position at the finest level, along one side.
 */
export function sharesOf(mask: Mask, window: PictureWindow, scale: number): Shares[] {
  const { width, height, data } = windowMask(mask, window);
  const latent = { height: Math.ceil(height / scale), width: Math.ceil(width / scale) };
  return Array.from({ length: LEVELS }, (_, level) => {
    const [rows, columns] = sizeAt(latent, level);
    const shares = new Float32Array(rows * columns);
    const cell = scale * 2 ** level;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (data[y * width + x]) shares[Math.floor(y / cell) * columns + Math.floor(x / cell)]! += 1;
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const covered = Math.min(cell, height - y * cell) * Math.min(cell, width - x * cell);
        shares[y * columns + x]! /= covered;
      }
    return { height: rows, width: columns, data: shares };
  });
}
