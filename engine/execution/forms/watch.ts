import type { Weight } from '../../graph/values.ts';

/**
 * Outputs of a watched network: largest absolute value, mean, and mean of squares of the products' inputs, named by the
 * first product's weight.
 */
export function watchNames({ name }: Weight): { largest: string; mean: string; square: string } {
  return { largest: `largest.${name}`, mean: `mean.${name}`, square: `square.${name}` };
}
