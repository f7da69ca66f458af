import type { RowFeature } from '../../regions/features.ts';

/** Names in the graphs that take rows of recorded features, and put fresh ones in their place, on a device. */

/** Input: the rows of a level that a pass reads. */
export function wantedName(feature: RowFeature): string {
  return feature.kind === 'window' ? `halo.${feature.reader}.${feature.level}` : `inactive.${feature.level}`;
}

/** Input: where each row of a level is, among the recorded rows and then the fresh ones. */
export function placeName({ kind, level }: RowFeature): string {
  return `place.${kind}.${level}`;
}

/** Output: what was taken of a feature. */
export function takenName(name: string): string {
  return `taken.${name}`;
}

/** Output: a tensor of a feature with fresh rows. */
export function putName(name: string): string {
  return `put.${name}`;
}
