import { countParameters, type Network } from '../graph/network.ts';
import { featuresOf, levelCount } from './features.ts';

/** Networks with fewer parameters compute a ring at every level: 64 MB of float32. */
const SMALL_PARAMETERS = 2 ** 24;

/**
 * How many positions around a mask are computed too, for each level with features, from the finest. `ring`: at the
 * finest.
 *
 * In a small network coarser levels have a ring too, which covers at least that of the level before: there the
 * positions around a mask decide what shape fits into it, and edits are clearly nearer to dense ones. Large networks
 * compute a ring at the finest level only, because wide coarse levels are most of their operations
 * (docs/measurements.md).
 */
export function ringsOf(network: Network, ring: number): number[] {
  const goesOn = countParameters(network) < SMALL_PARAMETERS;
  return Array.from({ length: levelCount(featuresOf(network)) }, (_, level) => {
    if (level === 0) return ring;
    return goesOn ? Math.ceil(ring / 2 ** level) : 0;
  });
}
