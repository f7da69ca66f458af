import type { Network } from '../../graph/network.ts';
import type { LinearAttention, Operator } from '../../graph/operators.ts';
import type { FeatureMap, Value } from '../../graph/values.ts';
import type { CoarseAnchor, CoarseParts } from '../../regions/coarse-parts.ts';
import { mapsOf, type Windowed } from '../../regions/reach.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { COARSE_NAMES } from '../forms/coarse-parts.ts';
import { firstLayout, type Grid } from './byte-windows.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import { PlanarLowering } from './planar.ts';
import type { Target } from './target.ts';
import { keyValueSums, linearAttention } from './vision.ts';

/**
 * The coarse stages of a decoder in planar form, with what later passes over a rectangle read as further outputs:
 * `new.rows.<id>` [1, N, C] of each anchor: float32, or where products of bytes read it these bytes, uint8, with
 * `new.rows.<id>.scale` and `.zero` [1]; `new.sums.<path>` [1, heads, d + 1, d] of each linear attention.
 */
export function lowerCoarseRecording(
  network: Network,
  weights: Weights,
  parts: CoarseParts,
  target: Target,
): OnnxModel {
  return new CoarseRecording(network, weights, parts, target).model(network);
}

/**
 * The same for a rectangle, at every level `part`. The network's input is the window that is read of it. Further inputs:
 * `rows.<id>` [1, n, C], for bytes with `.scale` and `.zero`: the recorded window of an anchor, the rectangle and what is read
 * around it; `place.<id>` int32 [n]: where each of its rows is found, among the fresh rows and then the recorded ones;
 * `sums.<path>`: the recorded sums, from which those of the rectangle's recorded rows are taken; `extent.<id>` int64 [2]:
 * height and width of the window, `from.<id>` and `to.<id>` the corners in it of what is kept of what it gives. That is
 * the rectangle, or where keys and values come from it also what they change in around it: then `kept.<id>` is its height
 * and width, `kept.<id>.from` and `.to` the rectangle's corners in it. `part.<level>`: height and width of the rectangle.
 * Outputs: the network's own and those of `lowerCoarseRecording`, of the rectangle; the sums over everything.
 */
export function lowerCoarsePart(
  network: Network,
  weights: Weights,
  parts: CoarseParts,
  target: Target,
): OnnxModel {
  return new CoarsePart(network, weights, parts, target).model(network);
}

abstract class CoarseLowering extends PlanarLowering {
  protected readonly parts: CoarseParts;
  /** Maps that products of bytes read. */
  readonly #bytes = new Set<number>();

  constructor({ operators }: Network, weights: Weights, parts: CoarseParts, target: Target) {
    super(weights, target);
    this.parts = parts;
    for (const operator of operators) {
      if (operator.type !== 'linear' && operator.type !== 'convolution') continue;
      const layout = operator.type === 'linear' ? 'linear' : firstLayout(operator);
      if (this.emit.isQuantized(operator.weight, layout)) this.#bytes.add(operator.input.id);
    }
  }

  protected isBytes({ id }: FeatureMap): boolean {
    return this.#bytes.has(id);
  }

  protected giveRows(map: FeatureMap, rows: Ref): void {
    const name = COARSE_NAMES.rows(map.id);
    const type = this.isBytes(map) ? 'uint8' : 'float32';
    this.emit.onnx.output(`new.${name}`, rows, type, [1, `${name}.rows`, map.channels]);
  }

  protected dimsOf({ output, headChannels: d }: LinearAttention): number[] {
    return [1, output.channels / d, d + 1, d];
  }

  protected giveSums(operator: LinearAttention, sums: Ref): void {
    const name = COARSE_NAMES.sums(operator.path);
    this.emit.onnx.output(`new.${name}`, sums, 'float32', this.dimsOf(operator));
  }
}

class CoarseRecording extends CoarseLowering {
  override lower(operator: Operator): void {
    super.lower(operator);
    const anchor = this.parts.anchors.get(operator.output.id);
    if (!anchor?.recorded) return;
    const { onnx } = this.emit;
    const { id } = anchor.map;
    if (!this.isBytes(anchor.map)) {
      this.giveRows(anchor.map, this.rows(anchor.map));
      return;
    }
    const { rows, bytes } = this.emit.asBytes(this.rows(anchor.map));
    this.giveRows(anchor.map, rows);
    const one = (ref: Ref) => onnx.node('Reshape', [ref, onnx.ints([1])]);
    onnx.output(`new.${COARSE_NAMES.scale(id)}`, one(bytes!.scale), 'float32', [1]);
    onnx.output(`new.${COARSE_NAMES.zero(id)}`, one(bytes!.zero), 'uint8', [1]);
  }

  protected override linearAttention(operator: LinearAttention): void {
    const complete = (sums: Ref) => {
      this.giveSums(operator, sums);
      return sums;
    };
    const planes = linearAttention(this.emit, this.planes(operator.input), operator, complete);
    this.setPlanes(operator.output, planes);
  }
}

/** Where a value is computed: over its anchor's window, or over the rectangle. */
class CoarsePart extends CoarseLowering {
  /** Windows that the operator being lowered reads in place of rectangles, or the other way round. */
  #seen = new Map<number, FeatureMap>();
  /** Values over the window of an anchor: anchors themselves under ids of their own. */
  readonly #windows = new Map<number, CoarseAnchor>();
  readonly #widened = new Map<number, FeatureMap>();
  readonly #narrowed = new Map<number, FeatureMap>();
  /** Values over what is kept of an attending anchor's window. */
  readonly #kept = new Map<number, CoarseAnchor>();
  readonly #inputs = new Map<string, Ref>();
  #aliases = -1;

  override input(name: string, value: Value): void {
    super.input(name, value);
    const anchor = this.parts.anchors.get(value.id);
    if (anchor) this.#windows.set(value.id, anchor);
  }

  override lower(operator: Operator): void {
    const { inputs, output } = mapsOf(operator)!;
    const read = inputs.map((input) => (operator.type === 'sum' ? input : this.#wide(input)));
    const all = read.every(({ id }) => this.#windows.has(id));
    const isWide = all && operator.type !== 'sum' && operator.type !== 'linear-attention';
    const [first] = read;
    this.#seen = new Map(
      inputs.map((input, i) => [input.id, isWide ? read[i]! : this.#narrow(read[i]!)] as const),
    );
    const kept = isWide ? undefined : this.#kept.get(this.#seen.get(first!.id)?.id ?? this.seen(first!).id);
    super.lower(operator);
    this.#seen = new Map();
    if (kept && operator.type !== 'linear-attention') this.#kept.set(output.id, kept);
    if (!isWide) return;
    this.#windows.set(output.id, this.#windows.get(first!.id)!);
    // Of what a window gives only the rectangle is right.
    if (operator.type === 'convolution' && operator.kernel > 1) this.#keepNarrow(output);
  }

  protected override seen(value: Value): Value {
    return this.#seen.get(value.id) ?? this.#narrowed.get(value.id) ?? value;
  }

  protected override extent(value: FeatureMap): Ref {
    const { id } = this.seen(value);
    const anchor = this.#windows.get(id);
    const kept = this.#kept.get(id);
    if (kept) return this.#scaled(COARSE_NAMES.kept(kept.map.id), kept.map.level - value.level);
    if (!anchor) return this.#input(COARSE_NAMES.part(value.level), 'int64', [2]);
    return this.#scaled(COARSE_NAMES.extent(anchor.map.id), anchor.map.level - value.level);
  }

  protected override grid(operator: Windowed): Grid {
    return { rows: this.rows(operator.input), extent: this.extent(operator.input) };
  }

  protected override linearAttention(operator: LinearAttention): void {
    const { emit } = this;
    const { onnx } = emit;
    const { path, input, output, headChannels: d } = operator;
    const both = this.planes(input);
    const [fresh, former] = emit.split(both, [1, 1], 0);
    const heads = onnx.node('Reshape', [former!, onnx.ints([0, output.channels / d, 3 * d, -1])]);
    const [, keysValues] = emit.split(heads, [d, 2 * d], 2);
    const complete = (sums: Ref): Ref => {
      const recorded = onnx.input(COARSE_NAMES.sums(path), 'float32', this.dimsOf(operator));
      const others = onnx.node('Sub', [recorded, keyValueSums(emit, keysValues!, operator)]);
      const all = emit.sum(others, sums);
      this.giveSums(operator, all);
      return all;
    };
    const planes = linearAttention(emit, fresh!, operator, complete);
    const anchor = this.#kept.get(this.seen(input).id)!.map.id;
    const corners = [COARSE_NAMES.inFrom(anchor), COARSE_NAMES.inTo(anchor)].map((name) =>
      this.#scaled(name, 0),
    );
    this.setPlanes(output, onnx.node('Slice', [planes, ...corners, onnx.ints([2, 3])], {}, 'cut'));
  }

  /** The window of an anchor; other values as they are. */
  #wide(value: FeatureMap): FeatureMap {
    const anchor = this.parts.anchors.get(value.id);
    if (!anchor?.recorded) return value;
    const known = this.#widened.get(value.id);
    if (known) return known;
    const { emit } = this;
    const { onnx } = emit;
    const { id, channels } = value;
    const name = COARSE_NAMES.rows(id);
    const bytes = this.isBytes(value) ? this.#bytesOf(id) : undefined;
    const own = this.rows(value);
    const fresh = bytes ? onnx.node('QuantizeLinear', [own, bytes.scale, bytes.zero], {}, 'quantize') : own;
    this.giveRows(value, fresh);
    const former = onnx.input(name, bytes ? 'uint8' : 'float32', [1, `${name}.window`, channels]);
    const place = onnx.input(COARSE_NAMES.place(id), 'int32', [`${name}.window`]);
    const around = onnx.node('Gather', [emit.concat([fresh, former], 1), place], { attributes: { axis: 1 } });
    const rows = anchor.attends ? emit.concat([around, former], 0) : around;
    const window = { ...value, id: this.#aliases-- };
    this.#windows.set(window.id, anchor);
    this.#widened.set(id, window);
    this.setRows(window, bytes ? emit.fromBytes({ rows, bytes }) : rows);
    return window;
  }

  /** Scale and zero of an anchor's bytes. */
  #bytesOf(id: number): { scale: Ref; zero: Ref } {
    const { onnx } = this.emit;
    const scalar = (name: string, type: 'float32' | 'uint8') =>
      onnx.node('Reshape', [onnx.input(name, type, [1]), onnx.ints([])]);
    return {
      scale: scalar(COARSE_NAMES.scale(id), 'float32'),
      zero: scalar(COARSE_NAMES.zero(id), 'uint8'),
    };
  }

  /** The rectangle of a value over a window; others as they are. */
  #narrow(value: FeatureMap): FeatureMap {
    const known = this.#narrowed.get(value.id);
    if (known) return known;
    const anchor = this.#windows.get(value.id);
    if (!anchor) return value;
    const { onnx } = this.emit;
    const part = { ...value, id: this.#aliases-- };
    const { id, level } = anchor.map;
    const corners = [COARSE_NAMES.from(id), COARSE_NAMES.to(id)].map((name) =>
      this.#scaled(name, level - value.level),
    );
    const cut = (x: Ref, axes: number[]) => onnx.node('Slice', [x, ...corners, onnx.ints(axes)], {}, 'cut');
    if (this.hasPlanes(value)) this.setPlanes(part, cut(this.planes(value), [2, 3]));
    else {
      const shape = this.emit.concat([onnx.ints([0]), this.extent(value), onnx.ints([value.channels])], 0);
      const map = onnx.node('Reshape', [this.rows(value), shape]);
      this.setRows(part, onnx.node('Reshape', [cut(map, [1, 2]), onnx.ints([0, -1, value.channels])]));
    }
    this.#narrowed.set(value.id, part);
    if (anchor.attends) this.#kept.set(part.id, anchor);
    return part;
  }

  #keepNarrow(value: FeatureMap): void {
    this.#narrow(value);
    this.#windows.delete(value.id);
  }

  /** Two numbers of an anchor's level, at a finer one. */
  #scaled(name: string, finer: number): Ref {
    const { onnx } = this.emit;
    const ref = this.#input(name, 'int64', [2]);
    return finer === 0 ? ref : onnx.node('Mul', [ref, onnx.ints([2 ** finer, 2 ** finer])]);
  }

  #input(name: string, type: 'int64', dims: readonly number[]): Ref {
    const known = this.#inputs.get(name) ?? this.emit.onnx.input(name, type, dims);
    this.#inputs.set(name, known);
    return known;
  }
}
