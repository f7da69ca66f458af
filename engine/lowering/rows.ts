import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import type { ElementType, OnnxModel, Ref } from '../graph/onnx.ts';
import type { Attention, Convolution, GroupNorm, Operator } from '../graph/operators.ts';
import type { Features, Value, Vector } from '../graph/values.ts';
import {
  type AttendedFeature,
  attendedOf,
  isSelfAttention,
  momentsOf,
  type RowFeature,
  type Storage,
  scaleName,
  type WindowFeature,
  windowOf,
} from '../regions/features.ts';
import type { WeightTable } from '../weights/table.ts';
import { Emitter } from './emitter.ts';

export interface RowsOptions {
  /**
   * Upsampling convolutions as four 2×2 convolutions of the smaller map with summed weights: 4/9 of the products.
   * Right only where every level but the coarsest has even sizes.
   */
  foldUpsampling: boolean;
  /** How features are recorded; see `regions/features.ts`. */
  storage: Storage;
}

/**
 * A network over rows: maps are [B, N, C], one row a position, and only the rows of a region plan are computed.
 *
 * Inputs beside the network's own (l is a level; see `regions/plan.ts` and `regions/features.ts`):
 * `same.l`, `down.l`, `up.l` (or `up.l.q`, one a parity class): neighbour indexes, int32 [N, taps];
 * `window.*` [B, halo + 1, C]: the recorded halo rows that a convolution reads, then one row of zeros;
 * `keys.*`, `values.*` [B, inactive, C]: the recorded rows of self-attention that are not active;
 * where features are stored as int8, `window.*.scale` [B, halo + 1, 1], `keys.*.scale` and `values.*.scale` [1, 1, C];
 * `moments.*` [2B, G, 1] and `fresh.l` [1]: group norm takes moments = fresh · Σ + moments, where Σ sums the
 * active rows' values (first B) and squares (last B), averaged over the channels of a group.
 *
 * Outputs beside the network's own: each feature of this pass under its name with `new.` before it, rows in plan order.
 */
export function lowerRows(network: Network, weights: WeightTable, options: RowsOptions): OnnxModel {
  const lowering = new RowsLowering(weights, options);
  for (const [name, value] of network.inputs) lowering.input(name, value);
  for (const operator of network.operators) lowering.lower(operator);
  for (const [name, value] of network.outputs) lowering.output(name, value);
  return lowering.emit.onnx.encode(network.name);
}

/** Bytes run from −127 to 127; scales are never zero. */
const MAX_BYTE = 127;
const TINY = 1e-12;

const CORNERS = 4;
const WINDOW = 9;

class RowsLowering {
  readonly emit: Emitter;
  readonly #options: RowsOptions;
  readonly #refs = new Map<number, Ref>();
  readonly #inputs = new Map<string, Ref>();

  constructor(weights: WeightTable, options: RowsOptions) {
    this.emit = new Emitter(weights);
    this.#options = options;
  }

  input(name: string, value: Value): void {
    const { onnx } = this.emit;
    if (value.kind === 'ids') this.#refs.set(value.id, onnx.input(name, 'int64', ['batch', 'length']));
    else if (value.kind === 'vector')
      this.#set(value, onnx.input(name, 'float32', [`${name}_batch`, value.channels]));
    else {
      const rows = value.kind === 'map' ? `rows_${value.level}` : 'length';
      this.#set(value, onnx.input(name, 'float32', ['batch', rows, value.channels]));
    }
  }

  output(name: string, value: Value): void {
    if (value.kind === 'ids') throw new Error('ids are not an output');
    const rows = value.kind === 'map' ? [`rows_${value.level}`] : value.kind === 'tokens' ? ['length'] : [];
    this.emit.onnx.output(name, this.#get(value), 'float32', ['batch', ...rows, value.channels]);
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
        const { input, output, weight, bias } = operator;
        this.#set(output, emit.product(this.#get(input), weight, bias));
        break;
      }
      case 'geglu':
        this.#set(operator.output, emit.geglu(this.#get(operator.input), operator));
        break;
      case 'layer-norm':
        this.#set(operator.output, emit.layerNorm(this.#get(operator.input), operator));
        break;
      case 'embedding':
        this.#set(operator.output, emit.embedding(this.#get(operator.input), operator));
        break;
      case 'sinusoid':
        this.#set(operator.output, emit.sinusoid(this.#get(operator.input), operator));
        break;
      case 'activation':
        this.#set(operator.output, emit.activation(this.#get(operator.input), operator.function));
        break;
      case 'affine':
        this.#set(operator.output, emit.affine(this.#get(operator.input), operator.scale, operator.offset));
        break;
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
    }
  }

  /** Gathers each row's neighbours side by side and multiplies: [B, N, taps · C] · [taps · C, C']. */
  #convolution(operator: Convolution): Ref {
    const { onnx } = this.emit;
    const { input, output, weight, kernel, padding, bias, shift } = operator;
    if (kernel !== 3 || padding !== 'same')
      throw new InputError(
        `${weight.name}: only 3×3 convolutions with padding 1 can be computed for a part of the picture.`,
      );
    const feature = windowOf(operator);
    const x = this.#get(input);
    const source = this.emit.concat([x, this.#window(feature, x)], 1);
    const gather = (indexes: string, taps: number): Ref => {
      const index = this.#input(indexes, 'int32', [`rows.${indexes}`, taps]);
      const rows = onnx.node('Gather', [source, index], { attributes: { axis: 1 } }, 'window');
      return onnx.node('Reshape', [rows, onnx.ints([0, 0, taps * input.channels])]);
    };
    let y: Ref;
    if (feature.reader === 'up' && this.#options.foldUpsampling) {
      const parts = [0, 1, 2, 3].map((parity) =>
        onnx.node(
          'MatMul',
          [gather(`up.${output.level}.${parity}`, CORNERS), this.#foldedWeight(operator, parity)],
          {},
          'convolution',
        ),
      );
      y = this.emit.concat(parts, 1);
    } else {
      const index =
        feature.reader === 'same'
          ? `same.${input.level}`
          : `${feature.reader}.${Math.min(input.level, output.level)}`;
      y = onnx.node('MatMul', [gather(index, WINDOW), this.#windowWeight(operator)], {}, 'convolution');
    }
    const added = [...(bias ? [this.emit.weight(bias)] : []), ...(shift ? [this.#everywhere(shift)] : [])];
    if (added.length === 0) return y;
    const sum = added.length === 2 ? onnx.node('Add', added as [Ref, Ref]) : added[0]!;
    return onnx.node('Add', [y, sum], {}, 'convolution');
  }

  /** [C', C, 3, 3] → [9 · C, C'], taps first. ONNX Runtime computes this once, when the model is loaded. */
  #windowWeight({ weight }: Convolution): Ref {
    const { onnx } = this.emit;
    const [out, channels] = weight.shape as [number, number];
    const flat = onnx.node('Transpose', [this.emit.weight(weight, [out, channels, WINDOW])], {
      attributes: { perm: [2, 1, 0] },
    });
    return onnx.node('Reshape', [flat, onnx.ints([WINDOW * channels, out])]);
  }

  #foldedWeight({ weight }: Convolution, parity: number): Ref {
    const { onnx } = this.emit;
    const [out, channels] = weight.shape as [number, number];
    const attributes = { perm: [2, 3, 1, 0] };
    const flat = onnx.node('Transpose', [this.emit.foldedKernel(weight, parity)], { attributes });
    return onnx.node('Reshape', [flat, onnx.ints([CORNERS * channels, out])]);
  }

  #groupNorm(operator: GroupNorm): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const { input, groups } = operator;
    const { channels, level } = input;
    const feature = momentsOf(operator);
    const x = this.#get(input);
    const dims = ['two_batch', groups, 1];
    const sum = (values: Ref) =>
      onnx.node('ReduceSum', [values, onnx.ints([1])], { attributes: { keepdims: 0 } }, 'moments');
    const sums = emit.concat([sum(x), sum(onnx.node('Mul', [x, x], {}, 'moments'))], 0);
    const grouped = onnx.node('Reshape', [sums, onnx.ints([-1, groups, channels / groups])]);
    const means = onnx.node('ReduceMean', [grouped, onnx.ints([2])], {}, 'moments');
    const fresh = this.#input(`fresh.${level}`, 'float32', [1]);
    const recorded = this.#input(feature.name, 'float32', dims);
    const moments = onnx.node('Add', [onnx.node('Mul', [means, fresh]), recorded]);
    onnx.output(`new.${feature.name}`, moments, 'float32', dims);
    return emit.groupNorm(x, moments, operator, [-1, 1, channels]);
  }

  #attention(operator: Attention): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const query = this.#get(operator.query);
    const key = this.#get(operator.key);
    const value = this.#get(operator.value);
    if (!isSelfAttention(operator)) return emit.attention(query, key, value, operator);
    // Softmax does not care about the order of keys: recorded rows first, then the fresh ones.
    const [keys, values] = attendedOf(operator) as [AttendedFeature, AttendedFeature];
    if (this.#options.storage === 'float32') {
      const all = [[keys, key] as const, [values, value] as const].map(([feature, fresh]) => {
        this.#output(feature, fresh, 'float32');
        return emit.concat([this.#input(feature.name, 'float32', this.#rowDims(feature)), fresh], 1);
      });
      return emit.attention(query, all[0]!, all[1]!, operator);
    }
    const [k, v] = [this.#scaled(keys, key), this.#scaled(values, value)];
    const seen = emit.attention(onnx.node('Mul', [query, k.scale]), k.all, v.all, operator);
    return onnx.node('Mul', [seen, v.scale]);
  }

  /**
   * Recorded bytes, then the fresh rows, both in units of the recorded scale of each channel: q · (s · k) = (q · s) · k
   * saves a product for every recorded number. Gives the fresh rows as bytes: of the recorded scale if there is one,
   * else of the scale that this pass gives; the scale input of such a dense pass is 1.
   */
  #scaled(feature: AttendedFeature, fresh: Ref): { all: Ref; scale: Ref } {
    const { onnx } = this.emit;
    const { name, channels } = feature;
    const scale = this.#input(scaleName(name), 'float32', [1, 1, channels]);
    const bytes = this.#input(name, 'int8', this.#rowDims(feature));
    const recorded = onnx.cast(bytes, 'float32');
    const largest = onnx.node('ReduceMax', [onnx.node('Abs', [fresh]), onnx.ints([0, 1])]);
    const own = onnx.node('Max', [onnx.node('Div', [largest, onnx.floats([MAX_BYTE])]), onnx.floats([TINY])]);
    const count = onnx.node('Shape', [bytes], { attributes: { start: 1, end: 2 } });
    const dense = onnx.node('Equal', [count, onnx.ints([0])]);
    const unit = onnx.node('Where', [dense, own, scale]);
    this.#output(feature, this.#bytes(onnx.node('Div', [fresh, unit])), 'int8');
    onnx.output(`new.${scaleName(name)}`, unit, 'float32', [1, 1, channels]);
    return { all: this.emit.concat([recorded, onnx.node('Div', [fresh, scale])], 1), scale };
  }

  /** The halo rows that a convolution reads, as float32 [B, rows, C]; gives the rows of this pass for later ones. */
  #window(feature: WindowFeature, rows: Ref): Ref {
    const { onnx } = this.emit;
    const { name } = feature;
    if (this.#options.storage === 'float32') {
      this.#output(feature, rows, 'float32');
      return this.#input(name, 'float32', this.#rowDims(feature));
    }
    const largest = onnx.node('ReduceMax', [onnx.node('Abs', [rows]), onnx.ints([-1])]);
    const unit = onnx.node('Max', [
      onnx.node('Div', [largest, onnx.floats([MAX_BYTE])]),
      onnx.floats([TINY]),
    ]);
    this.#output(feature, this.#bytes(onnx.node('Div', [rows, unit])), 'int8');
    onnx.output(`new.${scaleName(name)}`, unit, 'float32', ['batch', `rows_${feature.level}`, 1]);
    const bytes = onnx.cast(this.#input(name, 'int8', this.#rowDims(feature)), 'float32');
    const scale = this.#input(scaleName(name), 'float32', ['batch', `rows.${name}`, 1]);
    return onnx.node('Mul', [bytes, scale], {}, 'recorded');
  }

  #bytes(scaled: Ref): Ref {
    const { onnx } = this.emit;
    const bounds = [onnx.floats([-MAX_BYTE], []), onnx.floats([MAX_BYTE], [])];
    return onnx.cast(onnx.node('Clip', [onnx.node('Round', [scaled]), ...bounds]), 'int8');
  }

  #rowDims({ name, channels }: RowFeature): (number | string)[] {
    return ['batch', `rows.${name}`, channels];
  }

  /** An output that gives this pass's rows for later passes. It costs nothing unless it is asked for. */
  #output({ name, level, channels }: RowFeature, rows: Ref, type: 'float32' | 'int8'): void {
    this.emit.onnx.output(`new.${name}`, rows, type, ['batch', `rows_${level}`, channels]);
  }

  /** A graph input, which several operators may read. */
  #input(name: string, type: ElementType, dims: (number | string)[]): Ref {
    if (!this.#inputs.has(name)) this.#inputs.set(name, this.emit.onnx.input(name, type, dims));
    return this.#inputs.get(name)!;
  }

  /** A vector as one row for all positions: [B or 1, 1, C]. */
  #everywhere(vector: Vector): Ref {
    const { onnx } = this.emit;
    return onnx.node('Reshape', [this.#get(vector), onnx.ints([-1, 1, vector.channels])]);
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
