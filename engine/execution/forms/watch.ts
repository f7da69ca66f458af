import type { Weight } from '../../graph/values.ts';

/**
 * The outputs of a network that is watched, for rows that products read, named by the first product's weight: largest
 * absolute value, mean, and mean of squares.
 */
export function watchNames({ name }: Weight): { largest: string; mean: string; square: string } {
  return { largest: `largest.${name}`, mean: `mean.${name}`, square: `square.${name}` };
}
