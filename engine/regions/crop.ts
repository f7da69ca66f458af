import { countMacs, type Extent, sizeAt } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { Value } from '../graph/values.ts';
import { areaOf, type Box, fullBox, grown, intersection, type Span, scaled, union } from './box.ts';
import { coarsestLevel, isWindowed, mapsOf, readBy, type Windowed } from './reach.ts';

/**
 * A rectangle of a network's output, computed from rectangles of its maps, one at each level. Before an operator that
 * changes the level, the map is trimmed to what is still needed, so that fine maps have a margin of only a few positions,
 * however large the receptive field is. A convolution pads a rectangle with zeros even where the map continues; the
 * positions that this makes wrong are never needed.
 */
export interface CropPlan {
  readonly height: number;
  readonly width: number;
  /** The rectangle computed at each level, from the finest. */
  readonly levels: readonly Box[];
  /** By a value's id: the part of its rectangle that padding has not made wrong. */
  readonly sound: ReadonlyMap<number, Box>;
  /** By the id of the output of an operator that changes the level: the part of the rectangle that it reads. */
  readonly trims: ReadonlyMap<number, { readonly within: Box; readonly trim: Box }>;
  /** The requested rectangle at each level, from the finest. */
  readonly target: readonly Box[];
  /** Multiply–accumulates of a run. */
  readonly macs: number;
}

/**
 * Plans a crop of a network that passes through its levels in order: an encoder or a decoder.
 * @param extent size of level 0; its sides are multiples of the coarsest level's stride
 * @param target at the coarsest level
 * @param margin how far a crop may reach beyond the target, in positions of the coarsest level. With Infinity it takes
 * everything that the convolutions read, and the result is exact
 */
export function planCrop(network: Network, extent: Extent, target: Box, margin: number): CropPlan {
  const coarsest = coarsestLevel(network);
  if (extent.height % 2 ** coarsest || extent.width % 2 ** coarsest)
    throw new Error(`${extent.width}×${extent.height} is not a multiple of ${2 ** coarsest}`);
  const levels = Array.from({ length: coarsest + 1 }, (_, level) => level);
  const maps = levels.map((level) => fullBox(...sizeAt(extent, level)));
  const targets = levels.map((level) => scaled(target, 2 ** (coarsest - level)));
  const bounds = levels.map((level) =>
    Number.isFinite(margin)
      ? intersection(maps[level]!, grown(targets[level]!, margin * 2 ** (coarsest - level)))
      : maps[level]!,
  );
  const needed = neededBoxes(network, targets, bounds);
  const changes = trimsOf(network, needed);
  let done: string | undefined;
  const computed: Box[] = [];
  const trims = new Map<number, { within: Box; trim: Box }>();
  const sound = new Map<number, Box>();
  for (const value of network.inputs.values())
    if (value.kind === 'map') {
      computed[value.level] = needed.get(value.id)!;
      sound.set(value.id, computed[value.level]!);
    }
  for (const operator of network.operators) {
    const values = mapsOf(operator);
    if (!values) continue;
    const { inputs, output } = values;
    let good = inputs.map((input) => sound.get(input.id)!).reduce(intersection);
    if (isWindowed(operator)) {
      const { input } = operator;
      if (output.level !== input.level) {
        const change = `${input.level} ${output.level}`;
        const trim = changes.get(change)!;
        if (computed[output.level] && done !== change)
          throw new Error(`${network.name} returns to level ${output.level}`);
        done = change;
        trims.set(output.id, { within: computed[input.level]!, trim });
        good = intersection(good, trim);
        computed[output.level] = eachSpan(trim, (span) => givenBy(operator, span));
      }
      good = soundAfter(operator, good, maps[input.level]!, maps[output.level]!);
    }
    sound.set(output.id, good);
  }
  const active = computed.map(areaOf);
  const { total: macs } = countMacs(network, extent, active);
  const { height, width } = extent;
  return { height, width, levels: computed, sound, trims, target: targets, macs };
}

/** What operators from one level to another read, the same for all of them, as they compute one rectangle. */
function trimsOf(network: Network, needed: ReadonlyMap<number, Box>): ReadonlyMap<string, Box> {
  const trims = new Map<string, Box>();
  for (const operator of network.operators) {
    if (!isWindowed(operator) || operator.input.level === operator.output.level) continue;
    const change = `${operator.input.level} ${operator.output.level}`;
    const box = needed.get(operator.input.id)!;
    const known = trims.get(change);
    trims.set(change, known ? union(known, box) : box);
  }
  return trims;
}

/** For each value the rectangle that the target is computed from, within the bounds of its level. */
function neededBoxes(
  network: Network,
  targets: readonly Box[],
  bounds: readonly Box[],
): ReadonlyMap<number, Box> {
  const needed = new Map<number, Box>();
  const need = (value: Value, box: Box): void => {
    if (value.kind !== 'map') return;
    const known = needed.get(value.id);
    const clipped = intersection(box, bounds[value.level]!);
    needed.set(value.id, known ? union(known, clipped) : clipped);
  };
  for (const value of network.outputs.values()) if (value.kind === 'map') need(value, targets[value.level]!);
  for (const operator of [...network.operators].reverse()) {
    const box = needed.get(operator.output.id);
    const values = mapsOf(operator);
    if (!box || !values) continue;
    for (const input of values.inputs)
      need(input, isWindowed(operator) ? evenly(operator, readBox(operator, box)) : box);
  }
  return needed;
}

function readBox(operator: Windowed, { y, x }: Box): Box {
  return { y: readBy(operator, y), x: readBy(operator, x) };
}

/** A strided convolution keeps its phase if its input begins and ends at even positions. */
function evenly(operator: Windowed, box: Box): Box {
  if (operator.type !== 'convolution' || operator.stride === 1) return box;
  return eachSpan(box, ({ from, to }) => ({ from: Math.floor(from / 2) * 2, to: Math.ceil(to / 2) * 2 }));
}

/** The output span of an operator for a span of its input, borders included. */
function givenBy(operator: Windowed, { from, to }: Span): Span {
  const { upsample, stride } =
    operator.type === 'convolution'
      ? operator
      : { upsample: operator.type === 'pixel-shuffle', stride: operator.type === 'pixel-shuffle' ? 1 : 2 };
  return upsample
    ? { from: 2 * from, to: 2 * to }
    : { from: Math.ceil(from / stride), to: Math.floor(to / stride) };
}

/** The output positions that read only correct ones. Zeros outside the whole map are correct. */
function soundAfter(operator: Windowed, sound: Box, input: Box, output: Box): Box {
  const side = (good: Span, whole: Span, out: Span): Span => {
    const isSound = (position: number): boolean => {
      const read = readBy(operator, { from: position, to: position + 1 });
      return Math.max(read.from, whole.from) >= good.from && Math.min(read.to, whole.to) <= good.to;
    };
    const given = givenBy(operator, good);
    let [from, to] = [Math.max(out.from, given.from), Math.min(out.to, given.to)];
    while (from < to && !isSound(from)) from++;
    while (from < to && !isSound(to - 1)) to--;
    return { from, to };
  };
  return { y: side(sound.y, input.y, output.y), x: side(sound.x, input.x, output.x) };
}

function eachSpan({ y, x }: Box, change: (span: Span) => Span): Box {
  return { y: change(y), x: change(x) };
}
