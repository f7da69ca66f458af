import { countMacs, sizeAt } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import type { Enlargement, LinearAttention } from '../../graph/operators.ts';
import { float32, floats, int64, type Tensor } from '../../graph/tensor.ts';
import type { FeatureMap } from '../../graph/values.ts';
import { type Anchors, anchorsOf } from '../../regions/anchors.ts';
import { type Box, heightOf, type Span, widthOf, within } from '../../regions/box.ts';
import { coarseSpan, type PartPlan, planPart } from '../../regions/part.ts';
import { mapsOf } from '../../regions/reach.ts';
import type { Program } from '../backend.ts';
import { cornerFeeds, cutPlanes, onlyMap, pastePlanes } from '../crops/crop-network.ts';
import { PART_NAMES } from '../forms/parts.ts';

/** Features of a pass for later passes over a part: whole planes by name, and sums of linear attention. */
export type PartRecord = Map<string, Float32Array>;

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

  constructor(network: Network, programs: PartSessions) {
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
    const outputs = await program.run({
      [this.#input.name]: float32(planes, [1, this.#input.value.channels, side, side]),
    });
    const record: PartRecord = new Map();
    for (const [name, tensor] of Object.entries(outputs)) record.set(kept(name), tensor.data as Float32Array);
    const { total: macs } = countMacs(this.#network, { height: side, width: side, batch: 1, tokens: 0 });
    return { record, macs };
  }

  /** The output [C, s, s] in a record. */
  outputIn(record: PartRecord): Float32Array {
    return recorded(record, this.#output.name);
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
    const outputs = await program.run({
      [name]: float32(cut, [1, map.channels, heightOf(window), widthOf(window)]),
      ...this.#stripFeeds(plan, record),
      ...this.#operatorFeeds(plan),
      ...this.#sumFeeds(plan, record),
    });
    for (const { name, map, channels } of this.#recordedMaps()) {
      const [, width] = sizeAt(plan, map.level);
      pastePlanes(recorded(record, name), floats(outputs, name), channels, width, plan.boxes.get(map.id)!);
    }
    for (const { path } of this.#attentions)
      record.set(PART_NAMES.sums(path), floats(outputs, `new.${PART_NAMES.sums(path)}`));
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
  #stripFeeds(plan: PartPlan, record: PartRecord): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const [id, map] of this.#anchors.recorded) {
      const { y, x } = plan.windows.get(id)!;
      const inner = plan.boxes.get(id)!;
      const strips: Box[] = [
        { y: { from: y.from, to: inner.y.from }, x },
        { y: inner.y, x: { from: x.from, to: inner.x.from } },
        { y: inner.y, x: { from: inner.x.to, to: x.to } },
        { y: { from: inner.y.to, to: y.to }, x },
      ];
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
  #sumFeeds(plan: PartPlan, record: PartRecord): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const { path, input, output, headChannels: d } of this.#attentions) {
      const name = PART_NAMES.keys(path);
      Object.assign(feeds, formerFeed(name, 2 * output.channels, plan, input, record));
      Object.assign(feeds, cornerFeeds(PART_NAMES.corners(name), plan.boxes.get(input.id)!));
      const sums = PART_NAMES.sums(path);
      feeds[sums] = float32(recorded(record, sums), [1, output.channels / d, d + 1, d]);
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
): Record<string, Tensor> {
  const size = sizeAt(plan, map.level);
  return { [PART_NAMES.former(name)]: float32(recorded(record, name), [1, channels, ...size]) };
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

function recorded(record: PartRecord, name: string): Float32Array {
  const values = record.get(name);
  if (!values) throw new Error(`${name} was not recorded`);
  return values;
}
