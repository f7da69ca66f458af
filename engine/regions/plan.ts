import { activeCount, fullMask, type Mask, pyramid } from './mask.ts';

/**
 * Which rows of each level are computed, and where each of them finds its neighbours.
 *
 * Rows of a level are sorted by parity class (y mod 2, x mod 2), then by y, then by x, so that the results of an
 * upsampling convolution, one product for each class, can be concatenated. A feature store keeps the rows of a whole
 * level in the same order: store order.
 */
export interface RegionPlan {
  readonly levels: readonly LevelPlan[];
  /** Level l reads level l − 1 through `down[l − 1]` and level l + 1 through `up[l]`. */
  readonly down: readonly Neighbours[];
  readonly up: readonly UpsampledNeighbours[];
}

export interface LevelPlan {
  readonly height: number;
  readonly width: number;
  /** Positions y · width + x of the active rows, in row order. */
  readonly active: Int32Array;
  /** Store rows of the active rows, in row order. */
  readonly stored: Int32Array;
  /** Store rows of the positions that are not active, ascending. */
  readonly inactive: Int32Array;
  /** 3×3 neighbours at the same level; with a rectangle, the positions of that and one more on every side, [h + 2, w + 2]. */
  readonly same: Neighbours;
  /** Where convolutions at the level compute the rectangle around the active rows: the place of each active row in it. */
  readonly inside?: Int32Array;
  /** Number of rows in the first parity class, one position of every 2×2; they come first among the active and stored rows. */
  readonly quarter: { readonly active: number; readonly stored: number };
}

/** Where rows find their neighbours: indexes into [active rows; halo rows; one row of zeros]. */
export interface Neighbours {
  /** [rows, taps]. */
  readonly index: Int32Array;
  readonly taps: number;
  /** Store rows of the level read that are not active but needed: the halo. */
  readonly halo: Int32Array;
}

/** A 3×3 convolution after nearest-neighbour ×2: nine taps, or four for each parity class of the rows. */
interface UpsampledNeighbours extends Neighbours {
  /** Four taps for each row, class by class. Correct only if the finer level has even sizes. */
  readonly classes: readonly Int32Array[];
}

const TAPS = 9;

/**
 * Plans the levels of a network from a mask at level 0. `rings`: how many positions around the mask are computed too, for
 * each level; see `ringsOf`. `rectangles`: see `planLevels`.
 */
export function planRegion(
  mask: Mask,
  rings: readonly number[],
  rectangles: readonly number[] = [],
): RegionPlan {
  return planLevels(pyramid(mask, rings), rectangles);
}

/**
 * Plans the levels of a network from a mask for each, from the finest. The masks may be independent.
 * @param rectangles levels whose convolutions compute the smallest rectangle around the active rows
 */
export function planLevels(masks: readonly Mask[], rectangles: readonly number[] = []): RegionPlan {
  const maps = masks.map((mask) => new LevelMap(mask));
  const levels = maps.map((map, l) => ({
    height: map.height,
    width: map.width,
    active: map.active,
    stored: map.stored(),
    inactive: map.inactive(),
    ...(rectangles.includes(l)
      ? rectangle(map)
      : { same: neighbours(map, map, (y, x) => map.positionOf(y, x), 1) }),
    quarter: map.quarter,
  }));
  const down = maps
    .slice(1)
    .map((map, l) => neighbours(map, maps[l]!, (y, x) => maps[l]!.positionOf(y, x), 2));
  const up = maps.slice(0, -1).map((map, l) => upsampled(map, maps[l + 1]!));
  return { levels, down, up };
}

/** The plan in which every position is active. */
export function densePlan(
  height: number,
  width: number,
  levelCount: number,
  rectangles: readonly number[] = [],
): RegionPlan {
  return planRegion(fullMask(height, width), new Array<number>(levelCount).fill(0), rectangles);
}

/** Positions that convolutions of stride 1 compute at a level: its active rows, or the rectangle around them. */
export function convolvedCount({ active, same, inside }: LevelPlan): number {
  return inside ? (same.index.length / same.taps - 2) * (same.taps - 2) : active.length;
}

/** Share of the positions that are active, for each level. */
export function activeFractions(plan: RegionPlan): number[] {
  return plan.levels.map(({ active, height, width }) => active.length / (height * width));
}

/** The positions that are active, for each level. */
export function activeMasks(plan: RegionPlan): Mask[] {
  return plan.levels.map(({ active, height, width }) => {
    const data = new Uint8Array(height * width);
    for (const position of active) data[position] = 1;
    return { height, width, data };
  });
}

/** Row numbers of one level's positions. */
class LevelMap {
  readonly height: number;
  readonly width: number;
  readonly active: Int32Array;
  readonly quarter: { active: number; stored: number };
  /** Row among the active ones at each position, −1 elsewhere. */
  readonly #row: Int32Array;
  /** Row in the store at each position. */
  readonly #stored: Int32Array;

  constructor(mask: Mask) {
    this.height = mask.height;
    this.width = mask.width;
    this.#stored = new Int32Array(mask.data.length);
    this.#row = new Int32Array(mask.data.length).fill(-1);
    this.active = new Int32Array(activeCount(mask));
    let stored = 0;
    let row = 0;
    const quarter = { active: 0, stored: 0 };
    for (let parity = 0; parity < 4; parity++) {
      for (let y = parity >> 1; y < mask.height; y += 2)
        for (let x = parity & 1; x < mask.width; x += 2) {
          const position = y * mask.width + x;
          this.#stored[position] = stored++;
          if (!mask.data[position]) continue;
          this.active[row] = position;
          this.#row[position] = row++;
        }
      if (parity === 0) Object.assign(quarter, { active: row, stored });
    }
    this.quarter = quarter;
  }

  stored(): Int32Array {
    return this.active.map((position) => this.#stored[position]!);
  }

  inactive(): Int32Array {
    return this.storedWhere((position) => this.#row[position]! < 0);
  }

  /** Store rows of some positions, ascending. */
  storedWhere(isWanted: (position: number) => boolean): Int32Array {
    const rows: number[] = [];
    for (let position = 0; position < this.#row.length; position++)
      if (isWanted(position)) rows.push(this.#stored[position]!);
    return Int32Array.from(rows).sort();
  }

  /** −1 outside. */
  positionOf(y: number, x: number): number {
    return y >= 0 && x >= 0 && y < this.height && x < this.width ? y * this.width + x : -1;
  }

  rowAt(position: number): number {
    return this.#row[position]!;
  }

  storedAt(position: number): number {
    return this.#stored[position]!;
  }
}

/**
 * Where the active rows of `map` find their 3×3 neighbours in `source`. `locate` maps coordinates, stride · (y, x) plus a
 * step to each side, to a position in `source`, −1 outside.
 */
function neighbours(
  map: LevelMap,
  source: LevelMap,
  locate: (y: number, x: number) => number,
  stride: number,
): Neighbours {
  const { active, width } = map;
  const reads = new Int32Array(active.length * TAPS);
  for (let row = 0, i = 0; row < active.length; row++) {
    const y = stride * Math.floor(active[row]! / width);
    const x = stride * (active[row]! % width);
    for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) reads[i++] = locate(y + dy, x + dx);
  }
  return { ...resolve(reads, source), taps: TAPS };
}

/** The rectangle around a level's active rows: which rows it reads, and where they are in it. */
function rectangle(map: LevelMap): Required<Pick<LevelPlan, 'same' | 'inside'>> {
  const { top, left, height, width } = boundsOf(map);
  const taps = width + 2;
  const reads = Int32Array.from({ length: (height + 2) * taps }, (_, i) =>
    map.positionOf(top - 1 + Math.floor(i / taps), left - 1 + (i % taps)),
  );
  const inside = map.active.map((position) => {
    const [y, x] = [Math.floor(position / map.width), position % map.width];
    return (y - top) * width + x - left;
  });
  return { same: { ...resolve(reads, map), taps }, inside };
}

function boundsOf({ active, width: columns }: LevelMap) {
  if (active.length === 0) return { top: 0, left: 0, height: 0, width: 0 };
  let [top, bottom, left, right] = [Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 0];
  for (const position of active) {
    const [y, x] = [Math.floor(position / columns), position % columns];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  }
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** Indexes for positions: active rows first, then halo rows, then the row of zeros for positions outside. */
function resolve(reads: Int32Array, source: LevelMap): { index: Int32Array; halo: Int32Array } {
  const isRead = new Uint8Array(source.height * source.width);
  for (const position of reads) if (position >= 0 && source.rowAt(position) < 0) isRead[position] = 1;
  const halo = source.storedWhere((position) => isRead[position] === 1);
  const activeRows = source.active.length;
  const haloRow = new Int32Array(isRead.length);
  for (const [i, stored] of halo.entries()) haloRow[stored] = activeRows + i;
  const zeroRow = activeRows + halo.length;
  const index = reads.map((position) => {
    if (position < 0) return zeroRow;
    const row = source.rowAt(position);
    return row >= 0 ? row : haloRow[source.storedAt(position)]!;
  });
  return { index, halo };
}

function upsampled(map: LevelMap, source: LevelMap): UpsampledNeighbours {
  // A position outside the finer map reads zeros, even if the coarser map has a row there.
  const parent = (y: number, x: number) =>
    map.positionOf(y, x) < 0 ? -1 : source.positionOf(y >> 1, x >> 1);
  const nine = neighbours(map, source, parent, 1);
  const classes: number[][] = [[], [], [], []];
  for (const [row, position] of map.active.entries()) {
    const y = Math.floor(position / map.width);
    const x = position % map.width;
    // The corner taps, in rows 0 and 2 and columns 0 and 2, read each of the 2×2 parents once.
    const corners = [0, 2, 6, 8].map((tap) => nine.index[row * TAPS + tap]!);
    classes[(y & 1) * 2 + (x & 1)]!.push(...corners);
  }
  return { ...nine, classes: classes.map((indexes) => Int32Array.from(indexes)) };
}
