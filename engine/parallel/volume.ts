import type { Coding } from '../../shared/api.ts';
import { type Bands, bandCount, bandSizes } from '../execution/bands/bands.ts';
import { codedBytes } from '../execution/bands/coding.ts';
import { sizeAt } from '../graph/macs.ts';
import type { Feature, WindowFeature } from '../regions/features.ts';

/** Bytes of a moment, which is never coded. */
const MOMENT_BYTES = 4;

/** Bytes that one band takes from the others after each step, worked out from sizes alone. */
export function receivedBytes(
  features: readonly Feature[],
  bands: Bands,
  index: number,
  batch: number,
  coding: Coding,
): number {
  const others = bandCount(bands) - 1;
  if (others === 0) return 0;
  return features.reduce((bytes, feature) => {
    if (feature.kind === 'moments') return bytes + others * 2 * batch * feature.groups * MOMENT_BYTES;
    if (feature.kind === 'window')
      return bytes + codedBytes(coding, batch * haloRows(feature, bands, index), feature.channels);
    const sizes = bandSizes(bands, feature.level);
    const seen = sizes.reduce((a, b) => a + b) - sizes[index]!;
    return bytes + codedBytes(coding, batch * seen, feature.channels);
  }, 0);
}

/** Rows of a window that a band reads of others. */
function haloRows({ reader, level }: WindowFeature, bands: Bands, index: number): number {
  const [height, width] = sizeAt(bands, level);
  const [size, across] = bands.axis === 'y' ? [height, width] : [width, height];
  const source = bands.edges[level]!;
  const target = bands.edges[reader === 'same' ? level : reader === 'down' ? level + 1 : level - 1]!;
  const [from, to] = [target[index]!, target[index + 1]!];
  const [low, high] =
    reader === 'same'
      ? [from - 1, to + 1]
      : reader === 'down'
        ? [2 * from - 1, 2 * to]
        : [Math.floor((from - 1) / 2), Math.floor(to / 2) + 1];
  const [first, last] = [Math.max(0, low), Math.min(size, high)];
  const [begin, end] = [source[index]!, source[index + 1]!];
  const before = Math.max(0, Math.min(last, begin) - first);
  const after = Math.max(0, last - Math.max(first, end));
  return (before + after) * across;
}
