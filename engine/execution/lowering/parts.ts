import type { Network } from '../../graph/network.ts';
import type {
  Convolution,
  Enlargement,
  LayerNorm,
  LinearAttention,
  Operator,
} from '../../graph/operators.ts';
import type { FeatureMap, Features, Value } from '../../graph/values.ts';
import { type Anchors, hasWindow } from '../../regions/anchors.ts';
import { mapsOf } from '../../regions/reach.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { PART_NAMES } from '../forms/parts.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import { PlanarLowering } from './planar.ts';
import type { Target } from './target.ts';
import { enlarged, keyValueSums, linearAttention } from './vision.ts';

/**
 * A network in planar form that also outputs what later passes over a part read: `map.<id>` for each recorded map, and
 * for each linear attention its keys and values `keys.<path>` [B, heads, 2d, positions] and its sums over all positions
 * `new.sums.<path>`.
 */
export function lowerRecording(
  network: Network,
  weights: Weights,
  anchors: Anchors,
  target: Target,
): OnnxModel {
  return new RecordingLowering(weights, anchors, target).model(network);
}

/**
 * A network in planar form that computes a part (`regions/part.ts`) from a record. The network's own inputs are the
 * windows that are read of them. Further inputs, where `id` is that of an operator's output:
 * `former.map.<id>`, `former.keys.<path>`, `sums.<path>`: the record, whole;
 * rectangles, each by its corners, `.from` and `.to`, int64 [2] rows and columns: `above.<id>`, `left.<id>`,
 * `right.<id>`, `below.<id>` are what surrounds the computed part of a recorded map in its window; `cut.<id>` what an
 * operator takes of such a window; `kept.<id>` what is kept of an enlargement; `keys.<path>` the part;
 * `pads.<id>` int64 [8]: what an operator's window has beyond the border of the map, as ONNX's Pad takes it.
 * Outputs beside the network's own: those of `lowerRecording`, of the part; `new.sums.*` over everything.
 *
 * With `updates` these outputs are of everything, with the part in place, so that they can stay on a device; and
 * `former.keys.<path>` is as it was output. Further inputs, where `name` is an output's: the rectangles `above.of.<name>`,
 * `left.of.<name>`, `right.of.<name>` and `below.of.<name>` around the part; of keys `all.<name>` and `part.<name>`, int64
 * [2], height and width of everything and of the part.
 */
export function lowerParts(
  network: Network,
  weights: Weights,
  { anchors, updates = false }: { anchors: Anchors; updates?: boolean },
  target: Target,
): OnnxModel {
  return new PartLowering(weights, anchors, updates, target).model(network);
}

class RecordingLowering extends PlanarLowering {
  protected readonly anchors: Anchors;

  constructor(weights: Weights, anchors: Anchors, target: Target) {
    super(weights, target);
    this.anchors = anchors;
  }

  override lower(operator: Operator): void {
    super.lower(operator);
    const { output } = operator;
    if (output.kind === 'map' && this.anchors.recorded.has(output.id))
      this.give(PART_NAMES.map(output.id), output);
  }

  protected give(name: string, map: FeatureMap): void {
    const dims = ['batch', map.channels, `${name}.height`, `${name}.width`];
    this.emit.onnx.output(name, this.given(name, map), 'float32', dims);
  }

  /** The planes of a recorded map as they are output. */
  protected given(_name: string, map: FeatureMap): Ref {
    return this.planes(map);
  }

  protected override linearAttention(operator: LinearAttention): void {
    const { path, input, output, headChannels: d } = operator;
    const heads = output.channels / d;
    const dims = ['batch', heads, d + 1, d];
    const complete = (sums: Ref, keysValues: Ref): Ref => {
      const { onnx } = this.emit;
      const name = PART_NAMES.keys(path);
      onnx.output(name, this.givenKeys(keysValues, operator), 'float32', [
        'batch',
        heads,
        2 * d,
        `${name}.positions`,
      ]);
      const all = this.completeSums(sums, operator, dims);
      onnx.output(`new.${PART_NAMES.sums(path)}`, all, 'float32', dims);
      return all;
    };
    this.setPlanes(output, linearAttention(this.emit, this.planes(input), operator, complete));
  }

  /** Keys and values [B, heads, 2d, positions] as they are output. */
  protected givenKeys(keysValues: Ref, _operator: LinearAttention): Ref {
    return keysValues;
  }

  protected completeSums(sums: Ref, _operator: LinearAttention, _dims: (number | string)[]): Ref {
    return sums;
  }
}

class PartLowering extends RecordingLowering {
  /** The operator being lowered. */
  #operator: Operator | undefined;
  /** Windows of recorded maps, assembled on first use. */
  readonly #windows = new Map<number, Ref>();
  readonly #updates: boolean;
  readonly #formers = new Map<string, Ref>();

  constructor(weights: Weights, anchors: Anchors, updates: boolean, target: Target) {
    super(weights, anchors, target);
    this.#updates = updates;
  }

  override input(name: string, value: Value): void {
    super.input(name, value);
    if (value.kind === 'map') this.#windows.set(value.id, super.planes(value));
  }

  override lower(operator: Operator): void {
    this.#operator = operator;
    super.lower(operator);
    this.#operator = undefined;
  }

  /** The input of the operator: a window of a recorded map if it needs one, else the computed part. */
  protected override planes(value: Features): Ref {
    const operator = this.#operator;
    const recorded = value.kind === 'map' && this.anchors.maps.has(value.id);
    const reads = operator && mapsOf(operator)?.inputs.some(({ id }) => id === value.id);
    if (!recorded || !reads || !this.anchors.wide.has(operator)) return super.planes(value);
    return this.#cut(this.#window(value), PART_NAMES.cut((operator.output as FeatureMap).id));
  }

  #window(map: FeatureMap): Ref {
    const known = this.#windows.get(map.id);
    if (known !== undefined) return known;
    const former = this.#former(PART_NAMES.map(map.id), map.channels);
    const window = this.#surrounded(super.planes(map), former, PART_NAMES.strips(map.id));
    this.#windows.set(map.id, window);
    return window;
  }

  /** A part with recorded planes around it. */
  #surrounded(part: Ref, former: Ref, strips: readonly string[]): Ref {
    const [above, left, right, below] = strips.map((name) => this.#cut(former, name));
    const middle = this.emit.concat([left!, part, right!], 3);
    return this.emit.concat([above!, middle, below!], 2);
  }

  protected override given(name: string, map: FeatureMap): Ref {
    const part = super.given(name, map);
    if (!this.#updates) return part;
    return this.#surrounded(part, this.#former(name, map.channels), PART_NAMES.around(name));
  }

  protected override givenKeys(keysValues: Ref, operator: LinearAttention): Ref {
    if (!this.#updates) return keysValues;
    const { path, output, headChannels: d } = operator;
    const name = PART_NAMES.keys(path);
    const part = this.#asPlanes(keysValues, operator, PART_NAMES.extents(name).part);
    const all = this.#surrounded(part, this.#formerKeys(operator), PART_NAMES.around(name));
    const { onnx } = this.emit;
    return onnx.node('Reshape', [all, onnx.ints([0, output.channels / d, 2 * d, -1])]);
  }

  /** Recorded keys and values as planes. */
  #formerKeys(operator: LinearAttention): Ref {
    const { path, output, headChannels: d } = operator;
    const name = PART_NAMES.keys(path);
    if (!this.#updates) return this.#former(name, 2 * output.channels);
    const known = this.#formers.get(name);
    if (known !== undefined) return known;
    const dims = ['batch', output.channels / d, 2 * d, `${name}.positions`];
    const former = this.emit.onnx.input(PART_NAMES.former(name), 'float32', dims);
    const planes = this.#asPlanes(former, operator, PART_NAMES.extents(name).all);
    this.#formers.set(name, planes);
    return planes;
  }

  /** [B, heads, 2d, positions] → [B, 2C, H, W]. */
  #asPlanes(keysValues: Ref, { output }: LinearAttention, extent: string): Ref {
    const { onnx } = this.emit;
    const shape = this.emit.concat(
      [onnx.ints([0, 2 * output.channels]), onnx.input(extent, 'int64', [2])],
      0,
    );
    return onnx.node('Reshape', [keysValues, shape]);
  }

  /** A whole recorded map. */
  #former(name: string, channels: number): Ref {
    const dims = ['batch', channels, `${name}.height`, `${name}.width`];
    const former = this.#formers.get(name) ?? this.emit.onnx.input(PART_NAMES.former(name), 'float32', dims);
    this.#formers.set(name, former);
    return former;
  }

  #cut(planes: Ref, name: string): Ref {
    const { onnx } = this.emit;
    const { from, to } = PART_NAMES.corners(name);
    const corners = [from, to].map((corner) => onnx.input(corner, 'int64', [2]));
    return onnx.node('Slice', [planes, ...corners, onnx.ints([2, 3])], {}, 'cut');
  }

  protected override source(operator: Convolution): Ref {
    const planes = super.source(operator);
    if (!hasWindow(operator)) return planes;
    const { onnx } = this.emit;
    return onnx.node('Pad', [planes, onnx.input(PART_NAMES.pads(operator.output.id), 'int64', [8])]);
  }

  protected override pads(): readonly number[] {
    return [0, 0, 0, 0];
  }

  protected override enlargement({ input, output }: Enlargement): void {
    const pads = this.emit.onnx.input(PART_NAMES.pads(output.id), 'int64', [8]);
    const factor = 2 ** (input.level - output.level);
    const fine = enlarged(this.emit, this.planes(input), input.channels, factor, pads);
    // The coarse positions may cover more than the fine ones that are needed.
    this.setPlanes(output, this.#cut(fine, PART_NAMES.kept(output.id)));
  }

  /** On planes, because the parts of a level differ in size from map to map. */
  protected override layerNorm(operator: LayerNorm): void {
    const { onnx } = this.emit;
    const turned = onnx.node('Transpose', [this.planes(operator.input)], {
      attributes: { perm: [0, 2, 3, 1] },
    });
    const y = this.emit.layerNorm(turned, operator);
    this.setPlanes(operator.output, onnx.node('Transpose', [y], { attributes: { perm: [0, 3, 1, 2] } }));
  }

  /** The recorded sums, minus the old part's, plus the new part's. */
  protected override completeSums(sums: Ref, operator: LinearAttention, dims: (number | string)[]): Ref {
    const { onnx } = this.emit;
    const { path, output, headChannels: d } = operator;
    const name = PART_NAMES.keys(path);
    const part = this.#cut(this.#formerKeys(operator), name);
    const heads = onnx.node('Reshape', [part, onnx.ints([0, output.channels / d, 2 * d, -1])]);
    const all = onnx.input(PART_NAMES.sums(path), 'float32', dims);
    return this.emit.sum(onnx.node('Sub', [all, keyValueSums(this.emit, heads, operator)]), sums);
  }
}
