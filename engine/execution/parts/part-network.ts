import { countMacs, sizeAt } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import type { Enlargement, LinearAttention } from '../../graph/operators.ts';
import { type DeviceTensor, float32, floats, int64, isHeld, type Tensor } from '../../graph/tensor.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { type Anchors, anchorsOf } from '../../regions/anchors.ts';
import { type Box, heightOf, type Span, widthOf, within } from '../../regions/box.ts';
import { coarseSpan, type PartPlan, planPart } from '../../regions/part.ts';
import { mapsOf } from '../../regions/reach.ts';
import type { Program } from '../backend.ts';
import { cornerFeeds, cutPlanes, onlyMap, pastePlanes } from '../crops/crop-network.ts';
import { PART_NAMES } from '../forms/parts.ts';

/**
 * Features of a pass for later passes over a part: whole planes by name, and sums of linear attention. All but the output
 * may stay on the device that computed them.
 */
export type PartRecord = Map<string, Float32Array | DeviceTensor>;

/** Whether a program's output is for later passes only, so that it may stay on the device. */
export function isRecord(output: string): boolean {
  return /^(map|keys|new)\./.test(output);
}

/** Frees what a record holds on a device. */
export function releaseRecord(record: PartRecord): void {
  for (const value of record.values()) if ('release' in value) value.release();
}

/** Whether what it held on a device was freed. */
export function isReleased(record: PartRecord): boolean {
  return [...record.values()].some((value) => 'released' in value && value.released);
}

type Feeds = Record<string, Tensor | DeviceTensor>;

interface PartSessions {
  /** In the form of `lowerRecording`. */
  whole: () => Promise<Program>;
  /** In the form of `lowerParts`. */
  part: () => Promise<Program>;
}

/** A network of convolutions and linear attention from one map to another, computed whole or in part. */
export class PartNetwork {
  readonly #network: Network;
  readonly #programs: PartSessions;
  readonly #anchors: Anchors;
  readonly #input: { name: string; value: FeatureMap };
  readonly #output: { name: string; value: FeatureMap };
  readonly #attentions: readonly LinearAttention[];
  readonly #keeps: boolean;

  /** @param keeps records stay on the device; then the form of parts is the one with `updates` */
  constructor(network: Network, programs: PartSessions, keeps = false) {
    this.#keeps = keeps;
    this.#network = network;
    this.#programs = programs;
    this.#anchors = anchorsOf(network);
    this.#input = onlyMap(network.inputs);
    this.#output = onlyMap(network.outputs);
    this.#attentions = network.operators.filter((operator) => operator.type === 'linear-attention');
  }

  /** Computes the whole output for an input [C, side, side]. Resolves with the record of this pass. */
  async whole(planes: Float32Array, side: number): Promise<{ record: PartRecord; macs: number }> {
    const program = await this.#programs.whole();
    const input = { [this.#input.name]: float32(planes, [1, this.#input.value.channels, side, side]) };
    const outputs = this.#keeps ? await program.runKept(input) : await program.run(input);
    const record: PartRecord = new Map();
    for (const [name, tensor] of Object.entries(outputs)) {
      const isKept = this.#keeps && name !== this.#output.name;
      record.set(kept(name), isKept ? (tensor as DeviceTensor) : await valuesOf(tensor));
    }
    const { total: macs } = countMacs(this.#network, { height: side, width: side, batch: 1, tokens: 0 });
    return { record, macs };
  }

  /** The output [C, s, s] in a record. */
  outputIn(record: PartRecord): Float32Array {
    return heldIn(record, this.#output.name);
  }

  plan(side: number, changed: Box, margin: number): PartPlan {
    const extent = { height: side, width: side, batch: 1, tokens: 0 };
    return planPart(this.#network, this.#anchors, extent, changed, margin);
  }

  /** Updates a record for an input that differs from the recorded one only within the plan's part. */
  async part(planes: Float32Array, plan: PartPlan, record: PartRecord): Promise<void> {
    const { name, value: map } = this.#input;
    const window = plan.windows.get(map.id)!;
    const cut = cutPlanes(planes, map.channels, plan.width, window);
    const program = await this.#programs.part();
    const inputs = {
      [name]: float32(cut, [1, map.channels, heightOf(window), widthOf(window)]),
      ...this.#stripFeeds(plan, record),
      ...this.#operatorFeeds(plan),
      ...this.#sumFeeds(plan, record),
    };
    if (this.#keeps) return this.#update(program, { ...inputs, ...this.#aroundFeeds(plan) }, plan, record);
    const outputs = await program.run(inputs);
    for (const { name, map, channels } of this.#recordedMaps()) {
      const [, width] = sizeAt(plan, map.level);
      pastePlanes(heldIn(record, name), floats(outputs, name), channels, width, plan.boxes.get(map.id)!);
    }
    for (const { path } of this.#attentions)
      record.set(PART_NAMES.sums(path), floats(outputs, `new.${PART_NAMES.sums(path)}`));
  }

  /** Takes over the whole maps of a pass over a part. */
  async #update(
    program: Program,
    inputs: Record<string, Tensor | DeviceTensor>,
    plan: PartPlan,
    record: PartRecord,
  ): Promise<void> {
    const { name: output, value: map } = this.#output;
    const { [output]: part, ...fresh } = await program.runKept(inputs);
    const [, width] = sizeAt(plan, map.level);
    pastePlanes(heldIn(record, output), await valuesOf(part!), map.channels, width, plan.boxes.get(map.id)!);
    part!.release();
    for (const [name, tensor] of Object.entries(fresh)) {
      const former = record.get(kept(name));
      if (former && 'release' in former) former.release();
      record.set(kept(name), tensor);
    }
  }

  /** What surrounds the part in each recorded map. */
  #aroundFeeds(plan: PartPlan): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const { name, map } of this.#recordedMaps()) {
      if (name === this.#output.name) continue;
      const [height, width] = sizeAt(plan, map.level);
      const whole = { y: { from: 0, to: height }, x: { from: 0, to: width } };
      const inner = plan.boxes.get(map.id)!;
      for (const [i, box] of stripsOf(whole, inner).entries())
        Object.assign(feeds, cornerFeeds(PART_NAMES.corners(PART_NAMES.around(name)[i]!), box));
    }
    for (const { path, input } of this.#attentions) {
      const { all, part } = PART_NAMES.extents(PART_NAMES.keys(path));
      const inner = plan.boxes.get(input.id)!;
      feeds[all] = int64(BigInt64Array.from(sizeAt(plan, input.level), BigInt), [2]);
      feeds[part] = int64(BigInt64Array.from([heightOf(inner), widthOf(inner)], BigInt), [2]);
    }
    return feeds;
  }

  /** Everything in a record that has positions. */
  *#recordedMaps(): Generator<{ name: string; map: FeatureMap; channels: number }> {
    const own = (name: string, map: FeatureMap) => ({ name, map, channels: map.channels });
    yield own(this.#output.name, this.#output.value);
    for (const map of this.#anchors.recorded.values()) yield own(PART_NAMES.map(map.id), map);
    for (const { path, input, output } of this.#attentions)
      yield { name: PART_NAMES.keys(path), map: input, channels: 2 * output.channels };
  }

  /** Inputs around the computed part, for each recorded map that an operator reads through a window. */
  #stripFeeds(plan: PartPlan, record: PartRecord): Feeds {
    const feeds: Feeds = {};
    for (const [id, map] of this.#anchors.recorded) {
      const strips = stripsOf(plan.windows.get(id)!, plan.boxes.get(id)!);
      Object.assign(feeds, formerFeed(PART_NAMES.map(id), map.channels, plan, map, record));
      for (const [i, name] of PART_NAMES.strips(id).entries())
        Object.assign(feeds, cornerFeeds(PART_NAMES.corners(name), strips[i]!));
    }
    return feeds;
  }

  #operatorFeeds(plan: PartPlan): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const operator of this.#anchors.wide) {
      const { inputs, output } = mapsOf(operator)!;
      const read = plan.reads.get(operator);
      const box = read?.box ?? plan.boxes.get(output.id)!;
      for (const { id } of inputs) {
        const window = this.#anchors.maps.has(id) && plan.windows.get(id);
        if (window)
          Object.assign(
            feeds,
            cornerFeeds(PART_NAMES.corners(PART_NAMES.cut(output.id)), within(box, window)),
          );
      }
      if (read) feeds[PART_NAMES.pads(output.id)] = padsFeed(read.beyond);
      if (operator.type === 'enlargement') {
        const { y, x } = plan.boxes.get(output.id)!;
        const kept = { y: keptSpan(operator, y), x: keptSpan(operator, x) };
        Object.assign(feeds, cornerFeeds(PART_NAMES.corners(PART_NAMES.kept(output.id)), kept));
      }
    }
    return feeds;
  }

  /** The recorded sums, and the part's share of them. */
  #sumFeeds(plan: PartPlan, record: PartRecord): Feeds {
    const feeds: Feeds = {};
    for (const { path, input, output, headChannels: d } of this.#attentions) {
      const name = PART_NAMES.keys(path);
      Object.assign(feeds, formerFeed(name, 2 * output.channels, plan, input, record));
      Object.assign(feeds, cornerFeeds(PART_NAMES.corners(name), plan.boxes.get(input.id)!));
      const sums = PART_NAMES.sums(path);
      const held = recorded(record, sums);
      feeds[sums] = isFloats(held) ? float32(held, [1, output.channels / d, d + 1, d]) : held;
    }
    return feeds;
  }
}

/** A recorded map as an input; the network reads what it needs of it. */
function formerFeed(
  name: string,
  channels: number,
  plan: PartPlan,
  map: FeatureMap,
  record: PartRecord,
): Feeds {
  const size = sizeAt(plan, map.level);
  const held = recorded(record, name);
  return { [PART_NAMES.former(name)]: isFloats(held) ? float32(held, [1, channels, ...size]) : held };
}

/** What is in a box around one inside it: above, left, right and below. */
function stripsOf({ y, x }: Box, inner: Box): [Box, Box, Box, Box] {
  return [
    { y: { from: y.from, to: inner.y.from }, x },
    { y: inner.y, x: { from: x.from, to: inner.x.from } },
    { y: inner.y, x: { from: inner.x.to, to: x.to } },
    { y: { from: inner.y.to, to: y.to }, x },
  ];
}

/** The needed positions of an enlargement, among all that it computes. */
function keptSpan(operator: Enlargement, { from, to }: Span): Span {
  const factor = 2 ** (operator.input.level - operator.output.level);
  const start = coarseSpan(operator, { from, to }).from * factor;
  return { from: from - start, to: to - start };
}

function padsFeed([above, left, below, right]: readonly [number, number, number, number]): Tensor {
  return int64(BigInt64Array.from([0, 0, above, left, 0, 0, below, right], BigInt), [8]);
}

/** The output name of sums; under their own name they are inputs. */
function kept(name: string): string {
  return name.startsWith('new.') ? name.slice('new.'.length) : name;
}

function recorded(record: PartRecord, name: string): Float32Array | DeviceTensor {
  const values = record.get(name);
  if (!values) throw new Error(`${name} was not recorded`);
  return values;
}

/** What is always in main memory. */
function heldIn(record: PartRecord, name: string): Float32Array {
  const values = recorded(record, name);
  if (!isFloats(values)) throw new Error(`${name} is on a device`);
  return values;
}

function isFloats(values: Float32Array | DeviceTensor): values is Float32Array {
  return values instanceof Float32Array;
}

async function valuesOf(tensor: Tensor | DeviceTensor): Promise<Float32Array> {
  return floats({ values: isHeld(tensor) ? tensor : await tensor.read() }, 'values');
}
