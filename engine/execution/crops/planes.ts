import type { Network } from '../../graph/network.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { areaOf, type Box, heightOf, widthOf } from '../../regions/box.ts';

/** Rectangles of planes [C, H, W]. */

/** The only map among the inputs or outputs of a network. */
export function onlyMap(values: Network['inputs']): { name: string; value: FeatureMap } {
  const [entry, ...others] = values;
  if (!entry || others.length > 0 || entry[1].kind !== 'map')
    throw new Error('the network must have one map');
  return { name: entry[0], value: entry[1] };
}

/** Height and width. */
export function sizeOf(box: Box): [number, number] {
  return [heightOf(box), widthOf(box)];
}

/** A rectangle of planes [C, H, width]. */
export function cutPlanes(planes: Float32Array, channels: number, width: number, box: Box): Float32Array {
  const [rows, columns] = sizeOf(box);
  const positions = planes.length / channels;
  if (areaOf(box) === positions) return planes;
  const cut = new Float32Array(channels * rows * columns);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < rows; y++) {
      const start = c * positions + (box.y.from + y) * width + box.x.from;
      copyRun(planes, start, cut, (c * rows + y) * columns, columns);
    }
  return cut;
}

/** Writes a rectangle's planes into planes [C, H, width]. */
export function pastePlanes(
  planes: Float32Array,
  part: Float32Array,
  channels: number,
  width: number,
  box: Box,
): void {
  const [rows, columns] = sizeOf(box);
  const positions = planes.length / channels;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < rows; y++) {
      const start = c * positions + (box.y.from + y) * width + box.x.from;
      copyRun(part, (c * rows + y) * columns, planes, start, columns);
    }
}

/** From this length on, `subarray` and `set` are faster than a loop, although they create an object each time. */
const LONG_RUN = 64;

function copyRun(from: Float32Array, start: number, to: Float32Array, at: number, count: number): void {
  if (count >= LONG_RUN) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}
