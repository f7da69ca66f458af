import { countMacs, type Extent, sizeAt } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { float32, floats, int64, type Tensor } from '../../graph/tensor.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { areaOf, type Box, fullBox, heightOf, positionsIn, widthOf, within } from '../../regions/box.ts';
import type { CoarseAnchor, CoarseParts } from '../../regions/coarse-parts.ts';
import { type CoarsePlan, coarseBox, planCoarse } from '../../regions/coarse-plan.ts';
import type { CropPlan } from '../../regions/crop.ts';
import { countEdit, editsOf } from '../../regions/edit-count.ts';
import {
  Recorded,
  type RecordedRows,
  type Rows,
  readRows,
  recordedRows,
  withRows,
} from '../../regions/recorded.ts';
import type { Program } from '../backend.ts';
import { COARSE_NAMES } from '../forms/coarse-parts.ts';
import type { Between, CoarseStages } from './coarse-stages.ts';
import { cutPlanes, onlyMap } from './planes.ts';

/** Loaded on first use. */
interface CoarsePrograms {
  /** In the form `coarse-recording`. */
  whole: () => Promise<Program>;
  /** In the form `coarse-part`. */
  part: () => Promise<Program>;
}

type CoarsePass = Between & { record: Recorded };

/**
 * Positions of the coarsest level computed around a change. Beyond them the recorded rows stay, although attention sees
 * everything; docs/measurements.md has the error.
 */
const MARGIN = 2;

/** After as many edits the stages are computed whole again: sums collect the rounding of what was added and taken. */
const MOST_EDITS = 16;

/** Share of a part's bytes that may be at an end of the recorded range. */
const MOST_CLIPPED = 0.01;

/** Coarse stages that are computed whole with a record, or in part from one. */
export class CoarseNetwork implements CoarseStages {
  readonly network: Network;
  /** The last whole pass. */
  #last: { of: Float32Array; pass: Promise<CoarsePass> } | undefined;
  readonly #parts: CoarseParts;
  readonly #programs: CoarsePrograms;
  readonly #input: { name: string; value: FeatureMap };
  readonly #output: { name: string; value: FeatureMap };

  constructor(network: Network, parts: CoarseParts, programs: CoarsePrograms) {
    this.network = network;
    this.#parts = parts;
    this.#programs = programs;
    this.#input = onlyMap(network.inputs);
    this.#output = onlyMap(network.outputs);
  }

  /** A part where that is less work, else everything. */
  async between(
    input: Float32Array,
    crop: CropPlan,
    record?: ReadonlyMap<string, RecordedRows>,
    changed?: Box,
  ): Promise<Between> {
    const extent = { height: crop.height, width: crop.width, batch: 1, tokens: 0 };
    const { total } = countMacs(this.network, extent);
    if (record && changed && this.#continues(record)) {
      const plan = this.plan(extent, changed, crop);
      const part = plan.macs < total ? await this.part(input, plan, record) : undefined;
      if (part && !this.#outgrows(part, plan)) return part;
    }
    if (this.#last?.of === input) return { ...(await this.#last.pass), macs: 0 };
    const pass = this.whole(input, extent);
    this.#last = { of: input, pass };
    return { ...(await pass), macs: total };
  }

  plan(extent: Extent, changed: Box, crop: CropPlan): CoarsePlan {
    const [from, to] = [this.#output.value.level, this.#input.value.level];
    const wanted = { box: crop.levels[from]!, finer: 2 ** (to - from) };
    const box = coarseBox(changed, MARGIN, wanted, fullBox(...sizeAt(extent, to)));
    return planCoarse(this.network, this.#parts, extent, box);
  }

  /** Whether a record is of these stages, and can be continued. */
  #continues(record: ReadonlyMap<string, RecordedRows>): record is Recorded {
    return record instanceof Recorded && editsOf(record) < MOST_EDITS;
  }

  /** @param input [C, h, w] */
  async whole(input: Float32Array, extent: Extent): Promise<CoarsePass> {
    const { name, value } = this.#input;
    const program = await this.#programs.whole();
    const outputs = await program.run({
      [name]: float32(input, [1, value.channels, ...sizeAt(extent, value.level)]),
    });
    const record = new Recorded();
    for (const { map } of this.#recorded())
      for (const of of [COARSE_NAMES.rows, COARSE_NAMES.scale, COARSE_NAMES.zero]) {
        const given = outputs[`new.${of(map.id)}`];
        if (given) record.set(of(map.id), keptRows(given));
      }
    this.#keepSums(outputs, record);
    return {
      planes: floats(outputs, this.#output.name),
      record,
      macs: countMacs(this.network, extent).total,
    };
  }

  /** The rectangle of a plan, for an input that differs from the recorded one only there. */
  async part(input: Float32Array, plan: CoarsePlan, record: Recorded): Promise<CoarsePass> {
    const { name, value } = this.#input;
    const [, width] = sizeAt(plan.extent, value.level);
    const window = plan.windows.get(value.id)!;
    const cut = cutPlanes(input, value.channels, width, window);
    const program = await this.#programs.part();
    const outputs = await program.run({
      [name]: float32(cut, [1, value.channels, heightOf(window), widthOf(window)]),
      ...this.#levelFeeds(plan),
      ...Object.assign({}, ...[...this.#parts.anchors.values()].map((anchor) => placeFeeds(anchor, plan))),
      ...Object.assign({}, ...this.#recorded().map((anchor) => rowFeeds(anchor, plan, record))),
      ...this.#sumFeeds(record),
    });
    const next = new Recorded(record);
    for (const { map } of this.#recorded()) {
      const rows = COARSE_NAMES.rows(map.id);
      const fresh = keptRows(outputs[`new.${rows}`]!);
      const at = positionsIn(plan.at(map.level), sizeAt(plan.extent, map.level)[1]);
      next.set(rows, withRows(recordedRows(record, rows), fresh, 1, map.channels, at));
    }
    this.#keepSums(outputs, next);
    countEdit(record, next);
    const planes = floats(outputs, this.#output.name);
    return { planes, box: plan.at(this.#output.value.level), record: next, macs: plan.macs };
  }

  /** Whether many bytes of a part are the least or the largest: the record's scale does not fit what was changed. */
  #outgrows({ record }: CoarsePass, { extent, at }: CoarsePlan): boolean {
    return this.#recorded().some(({ map: { id, level, channels } }) => {
      if (!record.has(COARSE_NAMES.scale(id))) return false;
      const positions = positionsIn(at(level), sizeAt(extent, level)[1]);
      const bytes = new Int8Array(positions.length * channels);
      readRows(recordedRows(record, COARSE_NAMES.rows(id)), 1, channels, positions, 0, bytes);
      const clipped = bytes.reduce((count, byte) => count + Number(byte === 0 || byte === -1), 0);
      return clipped > MOST_CLIPPED * bytes.length;
    });
  }

  #recorded(): CoarseAnchor[] {
    return [...this.#parts.anchors.values()].filter(({ recorded }) => recorded);
  }

  #keepSums(outputs: Readonly<Record<string, Tensor>>, record: Recorded): void {
    for (const { path } of this.#parts.attentions) {
      const name = COARSE_NAMES.sums(path);
      record.set(name, floats(outputs, `new.${name}`));
    }
  }

  #levelFeeds(plan: CoarsePlan): Record<string, Tensor> {
    const [from, to] = [this.#output.value.level, this.#input.value.level];
    const feeds: Record<string, Tensor> = {};
    for (let level = from; level <= to; level++)
      feeds[COARSE_NAMES.part(level)] = two(heightOf(plan.at(level)), widthOf(plan.at(level)));
    return feeds;
  }

  #sumFeeds(record: Recorded): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const { path, output, headChannels: d } of this.#parts.attentions) {
      const name = COARSE_NAMES.sums(path);
      const sums = recordedRows(record, name) as Float32Array;
      feeds[name] = float32(sums, [1, output.channels / d, d + 1, d]);
    }
    return feeds;
  }
}

/** Where a rectangle is in an anchor's window. */
function placeFeeds({ map: { id, level } }: CoarseAnchor, plan: CoarsePlan): Record<string, Tensor> {
  const [window, kept] = [plan.windows.get(id)!, plan.kept.get(id)!];
  const [outer, inner] = [within(kept, window), within(plan.at(level), kept)];
  return {
    [COARSE_NAMES.extent(id)]: two(heightOf(window), widthOf(window)),
    [COARSE_NAMES.from(id)]: two(outer.y.from, outer.x.from),
    [COARSE_NAMES.to(id)]: two(outer.y.to, outer.x.to),
    [COARSE_NAMES.kept(id)]: two(heightOf(kept), widthOf(kept)),
    [COARSE_NAMES.inFrom(id)]: two(inner.y.from, inner.x.from),
    [COARSE_NAMES.inTo(id)]: two(inner.y.to, inner.x.to),
  };
}

/** The recorded rows of an anchor's window, and which of them are fresh. */
function rowFeeds({ map }: CoarseAnchor, plan: CoarsePlan, record: Recorded): Record<string, Tensor> {
  const { id, level, channels } = map;
  const [window, part] = [plan.windows.get(id)!, plan.at(level)];
  const [, width] = sizeAt(plan.extent, level);
  const at = positionsIn(window, width);
  const place = Int32Array.from(at.keys(), (row) => areaOf(part) + row);
  for (const [row, position] of positionsIn(within(part, window), widthOf(window)).entries())
    place[position] = row;
  const { rows, scale, zero } = COARSE_NAMES;
  const isBytes = record.has(scale(id));
  const read = new (isBytes ? Int8Array : Float32Array)(at.length * channels);
  readRows<Rows>(recordedRows(record, rows(id)), 1, channels, at, 0, read);
  return {
    [COARSE_NAMES.place(id)]: { type: 'int32', data: place, dims: [at.length] },
    [rows(id)]: asTensor(read, [1, at.length, channels]),
    ...(isBytes && {
      [scale(id)]: asTensor(recordedRows(record, scale(id)) as Rows, [1]),
      [zero(id)]: asTensor(recordedRows(record, zero(id)) as Rows, [1]),
    }),
  };
}

function two(a: number, b: number): Tensor {
  return int64(BigInt64Array.of(BigInt(a), BigInt(b)), [2]);
}

/** A program's rows as a record holds them: bytes as signed ones, with the same bits. */
function keptRows({ type, data }: Tensor): Rows {
  if (type === 'uint8') return new Int8Array(data.buffer, data.byteOffset, data.length);
  if (type !== 'float32') throw new Error(`rows of ${type} are not recorded`);
  return data;
}

function asTensor(data: Rows, dims: readonly number[]): Tensor {
  if (data instanceof Float32Array) return float32(data, dims);
  return { type: 'uint8', data: new Uint8Array(data.buffer, data.byteOffset, data.length), dims };
}
