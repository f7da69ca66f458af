import { InputError } from '../../errors.ts';
import type { Network } from '../../graph/network.ts';
import type { Attention, Convolution, GroupNorm, Linear, Operator } from '../../graph/operators.ts';
import type { FeatureMap, Features, Value, Vector, Weight } from '../../graph/values.ts';
import { layoutsOf } from '../../quantization/layers.ts';
import {
  type AttendedFeature,
  attendedOf,
  featuresOf,
  freshName,
  indexName,
  insideName,
  isSelfAttention,
  keyCountName,
  keysFromName,
  MOMENTS,
  momentsOf,
  type NormsOfLevel,
  normsByLevel,
  partsName,
  type RowFeature,
  scaleName,
  shareName,
  type WindowFeature,
  windowOf,
} from '../../regions/features.ts';
import type { Layout } from '../../weights/quantized.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { shiftName, textProjections } from '../forms/conditioning.ts';
import type { RowsOptions } from '../forms/form.ts';
import { attention } from './attention.ts';
import { Emitter, type Operand } from './emitter.ts';
import type { ElementType, OnnxModel, Ref } from './onnx/onnx.ts';
import { elementOf, recordedRows } from './recorded-rows.ts';
import type { Target } from './target.ts';

/**
 * A network in rows form: maps are [B, N, C], one row for each position, and only the rows of a region plan are
 * computed.
 *
 * Inputs (l is a level; see `regions/plan.ts` and `regions/features.ts`): the network's maps; in place of its text and
 * vectors, the results of the conditioning networks, see `conditioning.ts`; vectors that maps are scaled by [B, 1, C];
 * `same.l`, `down.l`, `up.l` (or `up.l.q` for each parity class): neighbour indexes, int32 [N, taps];
 * of a level with rectangles `same.l` [h + 2, w + 2], the rows of the rectangle around the active ones, and `inside.l` [N];
 * `window.*` [B, halo + 1, C]: the recorded halo rows that a convolution reads, then one row of zeros;
 * `keys.*`, `values.*` [B, inactive, C]: the recorded rows of self-attention that are not active;
 * if keys are sampled, `keys.count.l` [1]: how many of the active rows are keys;
 * if they are stored as int8, `keys.*.scale` and `values.*.scale` [1, 1, C]; the recorded rows are then followed by
 * room for the active ones, from row `keys.from.l` [B] on;
 * for each group norm `scale.*` and `offset.*` [B, 1, C]: y = x · scale + offset;
 * unless statistics are recorded, also `fresh.l` [1] and `moments.*` [2B, G, 1]: if fresh is not 0, scale and offset
 * come from moments = fresh · Σ + `moments.*`, where Σ sums the active rows' values (first B) and squares (last B),
 * averaged over the channels of a group.
 *
 * With statistics `fresh`: only the network's maps, indexes, `fresh.l` and `keys.count.l`, and no outputs but its own.
 *
 * With statistics `composed`: `share.l` [1, N] and `moments` [2B, 1, groups of all norms] instead. The parts of a norm,
 * [2B, N, G], are the means of each row's values and squares in each group, and its moments share · parts + its own of
 * `moments`, in which epsilon is added to the squares. `new.parts.l` are the parts of a level's norms; see `normsByLevel`.
 *
 * With statistics `bands`: `fresh.l` [K], `share.l` [K, N] and `moments.*` instead. `share` divides the active rows
 * into K bands, own [2B, K, G] are the means of their values and squares, and moments = fresh · own + `moments.*`; a
 * negative variance is replaced by that of the active rows alone. `new.moments.*` is own.
 *
 * Outputs: the network's own; each feature of this pass under its name with `new.` before it, rows in plan order, as
 * they stay on a device (see `DeviceStorage`), else float32; scale and offset likewise.
 */
export function lowerRows(
  network: Network,
  weights: Weights,
  options: RowsOptions,
  target: Target,
): OnnxModel {
  const lowering = new RowsLowering(weights, options, target, textProjections(network));
  for (const [name, value] of network.inputs) {
    if (value.kind === 'map') lowering.input(name, value);
    if (value.kind === 'vector') lowering.vector(name, value);
  }
  if (options.statistics === 'composed') lowering.takeMoments(normsByLevel(featuresOf(network)));
  for (const operator of network.operators) if (operator.output.kind !== 'vector') lowering.lower(operator);
  for (const [name, value] of network.outputs) lowering.output(name, value);
  lowering.giveParts();
  return lowering.emit.onnx.encode(network.name);
}

const CORNERS = 4;
const WINDOW = 9;

class RowsLowering {
  readonly emit: Emitter;
  readonly #options: RowsOptions;
  readonly #projections: ReadonlyMap<Linear, string>;
  readonly #refs = new Map<number, Ref>();
  readonly #inputs = new Map<string, Ref>();
  /** Matrices that average the channels of each group, by channels and groups. */
  readonly #averages = new Map<string, Ref>();
  /** Composed statistics: by name of a norm, what is given of its moments [2B, 1, G]; by level, the parts of its norms. */
  readonly #given = new Map<string, Ref>();
  readonly #parts = new Map<number, Ref[]>();
  /** Names of the network's own vectors. */
  readonly #vectors = new Map<number, string>();

  constructor(
    weights: Weights,
    options: RowsOptions,
    target: Target,
    projections: ReadonlyMap<Linear, string>,
  ) {
    this.emit = new Emitter(weights, target, options);
    this.#options = options;
    this.#projections = projections;
  }

  input(name: string, { id, channels, level }: FeatureMap): void {
    // Maps beside the first one may be shared by the whole batch.
    const batch = this.#refs.size === 0 ? 'batch' : `${name}_batch`;
    this.#refs.set(id, this.emit.onnx.input(name, 'float32', [batch, `rows_${level}`, channels]));
  }

  /** A vector is an input only if maps are scaled by it. Its other uses are in the conditioning networks. */
  vector(name: string, { id }: Vector): void {
    this.#vectors.set(id, name);
  }

  /** One input for all norms: each input of a run costs time. */
  takeMoments(levels: readonly NormsOfLevel[]): void {
    const norms = levels.flatMap((level) => level.norms);
    if (norms.length === 0) return;
    const counts = norms.map(({ groups }) => groups);
    const total = counts.reduce((sum, count) => sum + count);
    const all = this.#input(MOMENTS, 'float32', ['two_batch', 1, total]);
    const given = this.emit.split(all, counts, 2);
    for (const [i, { name }] of norms.entries()) this.#given.set(name, given[i]!);
  }

  giveParts(): void {
    for (const [level, parts] of this.#parts)
      this.emit.onnx.output(`new.${partsName(level)}`, this.emit.concat(parts, 2), 'float32', [
        'two_batch',
        `rows_${level}`,
        `groups_${level}`,
      ]);
  }

  output(name: string, value: Value): void {
    if (value.kind !== 'map') throw new Error(`${name} is not a map`);
    const dims = ['batch', `rows_${value.level}`, value.channels];
    this.emit.onnx.output(name, this.#get(value), 'float32', dims);
  }

  lower(operator: Operator): void {
    const { emit } = this;
    switch (operator.type) {
      case 'convolution':
        this.#set(operator.output, this.#convolution(operator));
        break;
      case 'group-norm':
        this.#set(operator.output, this.#groupNorm(operator));
        break;
      case 'attention':
        this.#set(operator.output, this.#attention(operator));
        break;
      case 'linear': {
        const { input, output, weight, bias, norm } = operator;
        const projected = this.#projections.get(operator);
        const y = projected
          ? this.#input(projected, 'float32', ['batch', `${projected}_length`, output.channels])
          : emit.linear(this.#get(input), weight, bias, norm);
        this.#set(output, y);
        break;
      }
      case 'geglu':
        this.#set(operator.output, emit.geglu(this.#get(operator.input), operator));
        break;
      case 'layer-norm':
        this.#set(operator.output, emit.layerNorm(this.#get(operator.input), operator));
        break;
      case 'embedding':
      case 'sinusoid':
        throw new Error(`a network in rows form has no ${operator.type}`);
      case 'activation':
        this.#set(operator.output, emit.activation(this.#get(operator.input), operator.function));
        break;
      case 'affine':
        this.#set(operator.output, emit.affine(this.#get(operator.input), operator.scale, operator.offset));
        break;
      case 'scaled': {
        const { onnx } = emit;
        const name = this.#vectors.get(operator.by.id)!;
        const all = this.#input(name, 'float32', [`${name}_batch`, 1, operator.by.channels]);
        const factor = onnx.node('Gather', [all, onnx.ints([operator.index])], { attributes: { axis: 2 } });
        this.#set(operator.output, onnx.node('Mul', [this.#get(operator.input), factor]));
        break;
      }
      case 'masked': {
        const factors = [this.#get(operator.input), this.#get(operator.mask)];
        this.#set(operator.output, emit.onnx.node('Mul', factors));
        break;
      }
      case 'soft-clamp':
        this.#set(operator.output, emit.softClamp(this.#get(operator.input), operator.limit));
        break;
      case 'sum': {
        const [a, b] = operator.inputs;
        this.#set(operator.output, emit.sum(this.#get(a), this.#get(b)));
        break;
      }
      case 'concat': {
        const inputs = operator.inputs.map((value) => this.#get(value));
        this.#set(operator.output, emit.concat(inputs, -1));
        break;
      }
      default:
        throw new Error(`${operator.type} has no rows form`);
    }
  }

  /** Gathers each row's neighbours side by side and multiplies: [B, N, taps · C] · [taps · C, C']. */
  #convolution(operator: Convolution): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { input, weight, kernel, padding, groups, norm, bias, shift } = operator;
    if (kernel !== 3 || padding !== 'same' || groups > 1 || norm)
      throw new InputError(
        `${weight.name}: only 3×3 convolutions with padding 1 can be computed for a part of the picture.`,
      );
    const feature = windowOf(operator);
    const added = {
      ...(bias && { bias: emit.weight(bias) }),
      ...(shift && {
        shift: this.#input(shiftName(weight), 'float32', ['shift_batch', 1, shift.channels]),
      }),
    };
    const layouts = layoutsOf(operator, this.#options.foldUpsampling);
    const source = this.#surrounded(feature, this.#get(input), weight, layouts[0]!);
    if (feature.reader === 'same' && this.#options.rectangles?.includes(input.level))
      return this.#rectangle(operator, source, added);
    const parts = layouts.map((layout, parity) => {
      const folded = layout !== 'window';
      const name = indexName(feature.reader, input.level, folded ? parity : undefined);
      const taps = folded ? CORNERS : WINDOW;
      const index = this.#input(name, 'int32', [`rows.${name}`, taps]);
      const gathered = onnx.node('Gather', [source.rows, index], { attributes: { axis: 1 } }, 'window');
      const rows = onnx.node('Reshape', [gathered, onnx.ints([0, 0, taps * input.channels])]);
      return emit.product({ ...source, rows }, weight, layout, added, 'convolution');
    });
    return parts.length === 1 ? parts[0]! : emit.concat(parts, 1);
  }

  /** As a native convolution of the rectangle around the active rows, which are then taken from the result. */
  #rectangle(
    { input: { level }, output, weight }: Convolution,
    { rows, bytes }: Operand,
    { bias, shift }: { bias?: Ref; shift?: Ref },
  ): Ref {
    const { onnx } = this.emit;
    if (bytes) throw new Error(`${weight.name} is quantized, so it cannot be a native convolution`);
    const index = this.#input(indexName('same', level), 'int32', [`height.${level}`, `width.${level}`]);
    const around = onnx.node('Gather', [rows, index], { attributes: { axis: 1 } }, 'window');
    const planes = onnx.node('Transpose', [around], { attributes: { perm: [0, 3, 1, 2] } });
    const read = this.emit.readable(planes, this.emit.weight(weight), weight.shape);
    const inputs = [...read, ...(bias ? [bias] : [])];
    const y = onnx.node('Conv', inputs, { attributes: { kernel_shape: [3, 3] } }, 'convolution');
    const back = onnx.node('Transpose', [y], { attributes: { perm: [0, 2, 3, 1] } });
    const all = onnx.node('Reshape', [back, onnx.ints([0, -1, output.channels])]);
    const inside = this.#input(insideName(level), 'int32', [`rows_${level}`]);
    const active = onnx.node('Gather', [all, inside], { attributes: { axis: 1 } });
    return shift ? onnx.node('Add', [active, shift], {}, 'convolution') : active;
  }

  /** The rows that a convolution gathers from: active rows, halo rows, and a row of zeros. */
  #surrounded(feature: WindowFeature, x: Ref, weight: Weight, layout: Layout): Operand {
    const { emit } = this;
    if (this.#options.statistics !== 'fresh') {
      this.#give(feature, x);
      const halo = this.#input(feature.name, 'float32', this.#rowDims(feature));
      return emit.operand(emit.concat([x, halo], 1), weight, layout);
    }
    const operand = emit.operand(x, weight, layout);
    const pads = emit.onnx.ints([0, 0, 0, 0, 1, 0]);
    const zero = operand.bytes ? [operand.bytes.zero] : [];
    return { ...operand, rows: emit.onnx.node('Pad', [operand.rows, pads, ...zero], {}, 'window') };
  }

  #groupNorm(operator: GroupNorm): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { groups, input } = operator;
    const names = momentsOf(operator);
    if (this.#options.statistics === 'bands') return this.#bandsNorm(operator);
    if (this.#options.statistics === 'composed') return this.#composedNorm(operator);
    if (this.#options.statistics === 'fresh') {
      const x = this.#get(input);
      const fresh = this.#input(freshName(input.level), 'float32', [1]);
      const moments = onnx.node('Mul', [this.#moments(x, operator), fresh]);
      return emit.groupNorm(x, moments, operator, [-1, 1, input.channels]);
    }
    const each = ['batch', 1, input.channels];
    const given = [names.scale, names.offset].map((known) => this.#input(known, 'float32', each));
    const x = this.#get(input);
    if (this.#options.statistics === 'recorded') return emit.scaled(x, given[0]!, given[1]!, operator);
    const fresh = this.#input(freshName(input.level), 'float32', [1]);
    const both = ['two_batch', groups, 1];
    const recorded = this.#input(names.name, 'float32', both);
    const isFresh = onnx.node('Greater', [fresh, onnx.floats([0])]);
    const own = () => {
      const moments = onnx.node('Add', [onnx.node('Mul', [this.#moments(x, operator), fresh]), recorded]);
      return [...emit.scaleAndOffset(moments, operator, [-1, 1, input.channels]), moments];
    };
    const [scale, offset, moments] = this.#either(isFresh, [each, each, both], own, [...given, recorded]);
    onnx.output(`new.${names.name}`, moments!, 'float32', both);
    onnx.output(`new.${names.scale}`, scale!, 'float32', each);
    onnx.output(`new.${names.offset}`, offset!, 'float32', each);
    return emit.scaled(x, scale!, offset!, operator);
  }

  /**
   * The computed value if `condition` (a bool [1]) holds, else the given one. Without conditional execution both are
   * there and one is selected: reading the condition back from a device would take longer than the sums.
   */
  #either(
    condition: Ref,
    dims: readonly (number | string)[][],
    computed: () => readonly Ref[],
    given: readonly Ref[],
  ): Ref[] {
    const { onnx } = this.emit;
    if (onnx.has('If'))
      return onnx.branch(onnx.node('Squeeze', [condition]), dims, computed, () =>
        given.map((ref) => onnx.node('Identity', [ref])),
      );
    return computed().map((ref, i) => onnx.node('Where', [condition, ref, given[i]!]));
  }

  #composedNorm(operator: GroupNorm): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { groups, input } = operator;
    const { level, channels } = input;
    const x = this.#get(input);
    const share = this.#input(shareName(level), 'float32', [1, `rows_${level}`]);
    const both = emit.concat([x, onnx.node('Mul', [x, x], {}, 'moments')], 0);
    const parts = onnx.node('MatMul', [both, this.#averaging(channels, groups)], {}, 'moments');
    this.#parts.set(level, [...(this.#parts.get(level) ?? []), parts]);
    const own = onnx.node('MatMul', [share, parts], {}, 'moments');
    const moments = onnx.node('Add', [own, this.#given.get(momentsOf(operator).name)!]);
    return emit.channelNorm(x, moments, operator);
  }

  /** A matrix [channels, groups] that averages the channels of each group: a product is faster than a reshaped mean. */
  #averaging(channels: number, groups: number): Ref {
    const key = `${channels} ${groups}`;
    const known = this.#averages.get(key);
    if (known !== undefined) return known;
    const size = channels / groups;
    const matrix = new Float32Array(channels * groups);
    for (let c = 0; c < channels; c++) matrix[c * groups + Math.floor(c / size)] = 1 / size;
    const made = this.emit.onnx.floats(matrix, [channels, groups]);
    this.#averages.set(key, made);
    return made;
  }

  #bandsNorm(operator: GroupNorm): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { groups, input } = operator;
    const { level, channels } = input;
    const { name } = momentsOf(operator);
    const x = this.#get(input);
    const fresh = this.#input(freshName(level), 'float32', ['bands']);
    const share = this.#input(shareName(level), 'float32', ['bands', `rows_${level}`]);
    const given = this.#input(name, 'float32', ['two_batch', groups, 1]);
    const squares = onnx.node('Mul', [x, x], {}, 'moments');
    const means = [x, squares].map((rows) => onnx.node('MatMul', [share, rows], {}, 'moments'));
    const grouped = onnx.node('Reshape', [emit.concat(means, 0), onnx.ints([0, 0, groups, -1])]);
    const keepdims = { attributes: { keepdims: 0 } };
    const own = onnx.node('ReduceMean', [grouped, onnx.ints([3])], keepdims, 'moments');
    onnx.output(`new.${name}`, own, 'float32', ['two_batch', 'bands', groups]);
    const weighted = onnx.node('Reshape', [onnx.node('MatMul', [fresh, own]), onnx.ints([0, groups, 1])]);
    const alone = onnx.node('Div', [weighted, onnx.node('ReduceSum', [fresh], keepdims)]);
    const moments = onnx.node('Add', [weighted, given]);
    const [scale, offset] = emit.scaleAndOffset(moments, operator, [-1, 1, channels], alone);
    return emit.scaled(x, scale, offset, operator);
  }

  /** Sums over rows of values and of squares, averaged over the channels of a group: [2B, G, 1]. */
  #moments(x: Ref, { groups, input }: GroupNorm): Ref {
    const { onnx } = this.emit;
    const sum = (rows: Ref) =>
      onnx.node('ReduceSum', [rows, onnx.ints([1])], { attributes: { keepdims: 0 } }, 'moments');
    // Over rows, ReduceSumSquare is several times slower than a product and a sum.
    const sums = this.emit.concat([sum(x), sum(onnx.node('Mul', [x, x], {}, 'moments'))], 0);
    const grouped = onnx.node('Reshape', [sums, onnx.ints([-1, groups, input.channels / groups])]);
    return onnx.node('ReduceMean', [grouped, onnx.ints([2])], {}, 'moments');
  }

  #attention(operator: Attention): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const query = this.#get(operator.query);
    const [key, value] = [this.#get(operator.key), this.#get(operator.value)];
    if (!isSelfAttention(operator)) return attention(emit, query, key, value, operator);
    const [keys, values] = attendedOf(operator) as [AttendedFeature, AttendedFeature];
    const [freshKeys, freshValues] = [this.#seen(key, keys), this.#seen(value, values)];
    if (this.#options.statistics === 'fresh') return attention(emit, query, freshKeys, freshValues, operator);
    this.#give(keys, freshKeys);
    this.#give(values, freshValues);
    // The order of keys does not matter to softmax: recorded rows first, then fresh ones.
    if (this.#options.storage !== 'int8') {
      const all = (feature: AttendedFeature, fresh: Ref) =>
        emit.concat([this.#input(feature.name, 'float32', this.#rowDims(feature)), fresh], 1);
      return attention(emit, query, all(keys, freshKeys), all(values, freshValues), operator);
    }
    // In units of the recorded scale of each channel: q · (s · k) = (q · s) · k saves a product a recorded number. What
    // is cast is written into where it is, which saves a copy of all keys and values.
    const scaled = (feature: AttendedFeature, fresh: Ref) => {
      const scale = this.#input(scaleName(feature.name), 'float32', [1, 1, feature.channels]);
      const bytes = this.#input(feature.name, 'int8', this.#rowDims(feature));
      const from = this.#input(keysFromName(feature.level), 'int64', ['batch']);
      const inputs = [onnx.cast(bytes, 'float32'), onnx.node('Div', [fresh, scale]), from];
      return { scale, all: onnx.node('TensorScatter', inputs, { attributes: { axis: 1 } }, 'keys') };
    };
    const [k, v] = [scaled(keys, freshKeys), scaled(values, freshValues)];
    const seen = attention(emit, onnx.node('Mul', [query, k.scale]), k.all, v.all, operator);
    return onnx.node('Mul', [seen, v.scale]);
  }

  /** The fresh keys or values that are attended to. */
  #seen(rows: Ref, { level }: AttendedFeature): Ref {
    if (this.#options.attention === 'full') return rows;
    const { onnx } = this.emit;
    const count = this.#input(keyCountName(level), 'int64', [1]);
    return onnx.node('Slice', [rows, onnx.ints([0]), count, onnx.ints([1])], {}, 'keys');
  }

  #rowDims({ name, channels }: RowFeature): (number | string)[] {
    return ['batch', `rows.${name}`, channels];
  }

  /** Outputs with this pass's rows for later passes. */
  #give({ kind, name, level, channels }: RowFeature, x: Ref): void {
    const { onnx } = this.emit;
    const { storage } = this.#options;
    const count = kind === 'window' ? `rows_${level}` : `keys_${level}`;
    const { rows, scale } = recordedRows(onnx, x, storage);
    onnx.output(`new.${name}`, rows, elementOf(storage), ['batch', count, channels]);
    if (scale) onnx.output(`new.${scaleName(name)}`, scale, 'float32', ['batch', count, 1]);
  }

  /** A graph input, which several operators may read. */
  #input(name: string, type: ElementType, dims: (number | string)[]): Ref {
    if (!this.#inputs.has(name)) this.#inputs.set(name, this.emit.onnx.input(name, type, dims));
    return this.#inputs.get(name)!;
  }

  #set(value: Features, ref: Ref): void {
    this.#refs.set(value.id, ref);
  }

  #get(value: Value): Ref {
    const ref = this.#refs.get(value.id);
    if (ref === undefined) throw new Error(`value ${value.id} is read before it is computed`);
    return ref;
  }
}
