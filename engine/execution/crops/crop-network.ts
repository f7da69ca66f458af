import type { Network } from '../../graph/network.ts';
import type { Attention } from '../../graph/operators.ts';
import { float32, floats, int64, type Tensor } from '../../graph/tensor.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { requireFinite } from '../../numbers.ts';
import {
  areaOf,
  type Box,
  fullBox,
  heightOf,
  positionsIn,
  union,
  widthOf,
  within,
} from '../../regions/box.ts';
import { type CropPlan, planCrop } from '../../regions/crop.ts';
import { featuresOf, type MomentsFeature } from '../../regions/features.ts';
import { coarsestLevel } from '../../regions/reach.ts';
import { putRows, takeRows } from '../../regions/rows.ts';
import { stagesOf } from '../../regions/stages.ts';
import type { Program } from '../backend.ts';
import { FRESH, rowsName, trimNames } from '../forms/crops.ts';

/**
 * Features of a pass over an image, for later passes over a part of it, by name: moments [2, groups] of group norms, keys
 * and values [positions, channels] of self-attention, row by row. Empty for a purely convolutional network.
 */
export type CropRecord = ReadonlyMap<string, Float32Array>;

interface CropResult {
  /** Planes [C, height, width] of `box`. */
  data: Float32Array;
  /** Their place in the output. */
  box: Box;
  record: CropRecord;
  macs: number;
}

/** An encoder or decoder in the form of `lowering/crops.ts`, for one image at a time. */
export class CropNetwork {
  readonly #program: Program;
  readonly #network: Network;
  readonly #input: { name: string; value: FeatureMap };
  readonly #output: { name: string; value: FeatureMap };
  readonly #moments: readonly MomentsFeature[];
  readonly #attentions: readonly Attention[];
  /** Stages that are computed whole before a crop. */
  readonly #before: { program: Program; network: Network } | undefined;
  /** What they gave for the last input. */
  #between: { of: Float32Array; planes: Promise<Float32Array> } | undefined;

  /** @param before the program of the network's coarse stages, if it has any; see `regions/stages.ts` */
  constructor(program: Program, network: Network, before?: Program) {
    const { coarse, fine } = stagesOf(network);
    this.#program = program;
    this.#network = fine;
    this.#before = before && coarse && { program: before, network: coarse };
    this.#input = onlyMap(fine.inputs);
    this.#output = onlyMap(fine.outputs);
    this.#moments = featuresOf(fine).filter((feature) => feature.kind === 'moments');
    this.#attentions = fine.operators.filter((operator) => operator.type === 'attention');
  }

  /**
   * The whole output for a whole input [C, H, W], and the record of this pass.
   * @param size of the finest level, a multiple of the network's stride.
   */
  async whole(input: Float32Array, size: { height: number; width: number }): Promise<CropResult> {
    const stride = 2 ** coarsestLevel(this.#network);
    const everything = fullBox(size.height / stride, size.width / stride);
    const extent = { ...size, batch: 1, tokens: 0 };
    return this.#run(input, planCrop(this.#network, extent, everything, Number.POSITIVE_INFINITY));
  }

  /**
   * A rectangle of the output. Only the part of the input that the plan needs is read.
   * `record` comes from an earlier pass; that of the result has the fresh keys and values in place. A plan that computes
   * everything needs no record and creates a new one.
   */
  async part(input: Float32Array, plan: CropPlan, record: CropRecord): Promise<CropResult> {
    const everything = plan.levels.every((box, l) => areaOf(box) === (plan.height * plan.width) / 4 ** l);
    return this.#run(input, plan, everything ? undefined : record);
  }

  async #run(input: Float32Array, plan: CropPlan, record?: CropRecord): Promise<CropResult> {
    const { name, value } = this.#input;
    const { name: outputName, value: output } = this.#output;
    const box = plan.levels[value.level]!;
    const width = plan.width / 2 ** value.level;
    const attended = this.#attentions.map((attention) => attendedRows(attention, plan));
    const read = await this.#computedBefore(input, plan);
    const outputs = await this.#program.run({
      [name]: float32(cutPlanes(read, value.channels, width, box), [1, value.channels, ...sizeOf(box)]),
      ...trimFeeds(plan),
      ...this.#momentFeeds(record),
      ...Object.assign({}, ...attended.map((rows) => attendedFeeds(rows, record))),
    });
    const kept = new Map(record);
    if (!record) for (const { name } of this.#moments) kept.set(name, floats(outputs, `new.${name}`));
    for (const { features, channels, taken, at, positions } of attended)
      for (const feature of features) {
        const earlier = record?.get(feature);
        const all = earlier ? new Float32Array(earlier) : new Float32Array(positions * channels);
        putRows(all, takeRows(floats(outputs, `new.${feature}`), 1, channels, taken), 1, channels, at);
        kept.set(feature, all);
      }
    const data = floats(outputs, outputName);
    requireFinite(data, `The autoencoder, in ${outputName === 'image' ? 'decoding' : 'encoding'},`);
    return { data, box: plan.levels[output.level]!, record: kept, macs: plan.macs };
  }

  /** The planes that the crop is cut from: the input, or what the stages before make of it. */
  #computedBefore(input: Float32Array, { height, width }: CropPlan): Promise<Float32Array> | Float32Array {
    if (!this.#before) return input;
    if (this.#between?.of !== input) {
      const { program, network } = this.#before;
      const { name, value } = onlyMap(network.inputs);
      const size = [height, width].map((side) => side / 2 ** value.level);
      const planes = program
        .run({ [name]: float32(input, [1, value.channels, ...size]) })
        .then((outputs) => floats(outputs, this.#input.name));
      this.#between = { of: input, planes };
    }
    return this.#between.planes;
  }

  /** Fresh moments for a whole map, recorded ones for a part. */
  #momentFeeds(record?: CropRecord): Record<string, Tensor> {
    if (this.#moments.length === 0) return {};
    const feeds: Record<string, Tensor> = { [FRESH]: float32(Float32Array.of(record ? 0 : 1), [1]) };
    for (const { name, groups } of this.#moments)
      feeds[name] = float32(record ? recordedIn(record, name) : new Float32Array(2 * groups), [2, groups, 1]);
    return feeds;
  }
}

/** Which keys and values self-attention takes from the crop, and which from the record. */
interface AttendedRows {
  path: string;
  /** Names of keys and values. */
  features: readonly [string, string];
  channels: number;
  /** Positions of the whole map. */
  positions: number;
  /** Rows taken from the crop, and their positions in the whole map. */
  taken: Int32Array;
  at: Int32Array;
  /** Positions read from the record. */
  recorded: Int32Array;
}

/** Keys and values of the crop are used where padding has not made them wrong, and in the target. */
function attendedRows({ path, key }: Attention, plan: CropPlan): AttendedRows {
  if (key.kind !== 'map') throw new Error(`${path} attends to no map`);
  const { level, channels, id } = key;
  const [height, width] = [plan.height / 2 ** level, plan.width / 2 ** level];
  const crop = plan.levels[level]!;
  const fresh = union(plan.sound.get(id)!, plan.target[level]!);
  const at = positionsIn(fresh, width);
  const isFresh = new Set(at);
  const recorded = positionsIn(fullBox(height, width), width).filter((position) => !isFresh.has(position));
  return {
    path,
    features: [`keys.${path}`, `values.${path}`],
    channels,
    positions: height * width,
    taken: positionsIn(within(fresh, crop), widthOf(crop)),
    at,
    recorded,
  };
}

function attendedFeeds(
  { path, features, channels, taken, recorded }: AttendedRows,
  record?: CropRecord,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {
    [rowsName(path)]: int64(BigInt64Array.from(taken, BigInt), [taken.length]),
  };
  for (const name of features) {
    const data = record
      ? takeRows(recordedIn(record, name), 1, channels, recorded)
      : new Float32Array(recorded.length * channels);
    feeds[name] = float32(data, [1, recorded.length, channels]);
  }
  return feeds;
}

function trimFeeds({ trims }: CropPlan): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [id, { trim, within: crop }] of trims)
    Object.assign(feeds, cornerFeeds(trimNames(id), within(trim, crop)));
  return feeds;
}

/** A rectangle as the inputs of its corners, rows and columns int64 [2]. */
export function cornerFeeds(names: { from: string; to: string }, { y, x }: Box): Record<string, Tensor> {
  const corner = (row: number, column: number) => int64(BigInt64Array.of(BigInt(row), BigInt(column)), [2]);
  return { [names.from]: corner(y.from, x.from), [names.to]: corner(y.to, x.to) };
}

function recordedIn(record: CropRecord, name: string): Float32Array {
  const values = record.get(name);
  if (!values) throw new Error(`${name} was not recorded`);
  return values;
}

/** The only map among the inputs or outputs of a network. */
export function onlyMap(values: Network['inputs']): { name: string; value: FeatureMap } {
  const [entry, ...others] = values;
  if (!entry || others.length > 0 || entry[1].kind !== 'map')
    throw new Error('the network must have one map');
  return { name: entry[0], value: entry[1] };
}

function sizeOf(box: Box): [number, number] {
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
