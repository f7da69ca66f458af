import { levelsFrom } from '../../graph/macs.ts';
import { float32, int64, type Tensor } from '../../graph/tensor.ts';
import { boundsOf, fullBox, grown, heightOf, positionsIn, widthOf } from '../../regions/box.ts';
import { coarser, fullMask, type Mask, wholeCells } from '../../regions/mask.ts';
import { imageArea } from '../condition.ts';
import { EXTENT, INSIDE, PLACES, RECTANGLE } from '../forms/tokens.ts';

/** Which positions of a transformer are computed, and where their neighbours are found. Positions are y · width + x. */
export interface TokenPlan {
  readonly height: number;
  readonly width: number;
  readonly mask: Mask;
  /** Ascending. */
  readonly active: Int32Array;
  /** Inactive positions beside active ones, ascending. */
  readonly halo: Int32Array;
  /**
   * The active positions and, if the plan is of everything or a band's, those of the references, numbered on from the
   * image's.
   */
  readonly computed: Int32Array;
  /** All positions, those of references included, that are not computed, ascending. */
  readonly others: Int32Array;
  /** Whether everything is computed. */
  readonly isWhole: boolean;
  /** Sizes of the reference images that are read beside the image, in positions. */
  readonly references: readonly Grid[];
  /**
   * The same for the maps of other levels, or of several, whose positions are numbered on from one level to the next.
   */
  at(place: { level: number; levels?: number }): Places;
  /** Inputs of the form that are the same at every step: of windows, and of the places of rows. */
  readonly feeds: { readonly window: Record<string, Tensor>; readonly places: Record<string, Tensor> };
}

/** The positions of a map that are computed, and the others, both ascending. */
export interface Places {
  readonly computed: Int32Array;
  readonly others: Int32Array;
}

/** Height and width in positions. */
export interface Grid {
  readonly height: number;
  readonly width: number;
}

export function wholeTokens(height: number, width: number, references: readonly Grid[] = []): TokenPlan {
  return planTokens(fullMask(height, width), references);
}

/**
 * @param wanted the positions that are computed; may be empty
 * @param cell grows it to whole cells of that side; see `Network.cell`
 * @param options `withReferences`: references are computed even if the plan is of a part
 */
export function planTokens(
  wanted: Mask,
  references: readonly Grid[] = [],
  cell = 1,
  { withReferences = false } = {},
): TokenPlan {
  const mask = wholeCells(wanted, cell);
  const { height, width, data } = mask;
  const { active, halo, feeds } = planWindow(mask);
  const isWhole = active.length === data.length;
  const all = Array.from({ length: data.length + imageArea(references) }, (_, position) => position);
  const isComputed = (position: number) => (position < data.length ? data[position] : withReferences);
  const computed = isWhole ? Int32Array.from(all) : Int32Array.from(all.filter(isComputed));
  const others = isWhole ? [] : all.filter((position) => !isComputed(position));
  const places = float32(placesOf(computed, [{ height, width }, ...references]), [computed.length, 4]);
  const finest = { computed, others: Int32Array.from(others) };
  return {
    height,
    width,
    mask,
    active,
    halo,
    ...finest,
    at: placesIn(mask, finest),
    isWhole,
    references,
    feeds: { window: feeds, places: { [PLACES]: places } },
  };
}

/** Where the positions of a mask are at other levels. */
function placesIn(mask: Mask, finest: Places): TokenPlan['at'] {
  const known = new Map([['0 1', finest]]);
  return ({ level, levels = 1 }) => {
    const key = `${level} ${levels}`;
    const found = known.get(key) ?? placesOfLevels(mask, level, levels);
    known.set(key, found);
    return found;
  };
}

function placesOfLevels(mask: Mask, level: number, levels: number): Places {
  const all = levelsFrom(level, levels).flatMap((one) => [...coarser(mask, 2 ** one).data]);
  const positions = Int32Array.from(all.keys());
  return {
    computed: positions.filter((position) => all[position]),
    others: positions.filter((position) => !all[position]),
  };
}

/** Between the times of an image and of its references (diffusers' Flux2KleinPipeline). */
const TIME_STEP = 10;

/** Time, y, x and 0 of positions that are numbered through images one after another. */
function placesOf(positions: Int32Array, grids: readonly Grid[]): Float32Array {
  const places = new Float32Array(positions.length * 4);
  let [image, from] = [0, 0];
  for (const [row, position] of positions.entries()) {
    let { height, width } = grids[image]!;
    while (position >= from + height * width) {
      from += height * width;
      ({ height, width } = grids[++image]!);
    }
    const inside = position - from;
    places.set([TIME_STEP * image, Math.floor(inside / width), inside % width], row * 4);
  }
  return places;
}

/** The rows around a part, and where a depthwise convolution finds its neighbours. */
function planWindow(mask: Mask): { active: Int32Array; halo: Int32Array; feeds: Record<string, Tensor> } {
  const { height, width, data } = mask;
  const active = positionsIn(fullBox(height, width), width).filter((position) => data[position]);
  const box = boundsOf(mask);
  if (!box) return { active, halo: new Int32Array(), feeds: {} };
  const rim = grown(box, 1);
  const [rows, columns] = [heightOf(rim), widthOf(rim)];
  const halo: number[] = [];
  const place = new Map<number, number>();
  for (const [row, position] of active.entries()) place.set(position, row);
  const neighbours = [-1, 0, 1];
  const near = (y: number, x: number) =>
    neighbours.some((dy) => neighbours.some((dx) => isActive(mask, y + dy, x + dx)));
  for (let y = rim.y.from; y < rim.y.to; y++)
    for (let x = rim.x.from; x < rim.x.to; x++) {
      if (y < 0 || x < 0 || y >= height || x >= width) continue;
      if (!data[y * width + x] && near(y, x)) halo.push(y * width + x);
    }
  for (const [i, position] of halo.entries()) place.set(position, active.length + i);
  const zero = active.length + halo.length;
  const rectangle = new Int32Array(rows * columns).fill(zero);
  for (const [position, row] of place) {
    const [y, x] = [Math.floor(position / width) - rim.y.from, (position % width) - rim.x.from];
    rectangle[y * columns + x] = row;
  }
  const inside = active.map(
    (position) =>
      (Math.floor(position / width) - box.y.from) * widthOf(box) + ((position % width) - box.x.from),
  );
  const feeds = {
    [RECTANGLE]: int32(rectangle),
    [INSIDE]: int32(inside),
    [EXTENT]: int64(BigInt64Array.of(BigInt(rows), BigInt(columns)), [2]),
  };
  return { active, halo: Int32Array.from(halo), feeds };
}

function isActive({ height, width, data }: Mask, y: number, x: number): boolean {
  return y >= 0 && x >= 0 && y < height && x < width && data[y * width + x] === 1;
}

function int32(data: Int32Array): Tensor {
  return { type: 'int32', data, dims: [data.length] };
}
