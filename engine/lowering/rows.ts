import { InputError } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import type { ElementType, OnnxModel, Ref } from '../graph/onnx.ts';
import type { Attention, Convolution, GroupNorm, Linear, Operator } from '../graph/operators.ts';
import type { Features, Value, Vector, Weight } from '../graph/values.ts';
import {
  type AttendedFeature,
  attendedOf,
  freshName,
  indexName,
  isSelfAttention,
  momentsOf,
  normNames,
  type RowFeature,
  type Storage,
  scaleName,
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
 * Inputs beside the network's own (l is a level; see `regions/plan.ts` and `regions/features.ts`); in place of the text
 * its projections `text.*`, see `lowerTextProjections`:
 * `same.l`, `down.l`, `up.l` (or `up.l.q`, one a parity class): neighbour indexes, int32 [N, taps];
 * `window.*` [B, halo + 1, C]: the recorded halo rows that a convolution reads, then one row of zeros;
 * `keys.*`, `values.*` [B, inactive, C]: the recorded rows of self-attention that are not active;
 * where they are stored as int8, `keys.*.scale` and `values.*.scale` [1, 1, C];
 * `fresh.l` [1] and, for each group norm, `moments.*` [2B, G, 1], `mean.*` and `deviation.*` [B, G, 1]: where fresh is
 * 0 the given mean and standard deviation are used; else those of moments = fresh · Σ + `moments.*`, where Σ sums the
 * active rows' values (first B) and squares (last B), averaged over the channels of a group.
 *
 * Outputs beside the network's own: each feature of this pass under its name with `new.` before it, float32, rows in
 * plan order.
 */
export function lowerRows(network: Network, weights: WeightTable, options: RowsOptions): OnnxModel {
  const lowering = new RowsLowering(weights, options, textProjections(network));
  for (const [name, value] of network.inputs) if (value.kind !== 'tokens') lowering.input(name, value);
  for (const operator of network.operators) lowering.lower(operator);
  for (const [name, value] of network.outputs) lowering.output(name, value);
  return lowering.emit.onnx.encode(network.name);
}

/**
 * The projections of the text that a network in rows form takes as inputs: they are the same at every step.
 * Input: the network's token input. Outputs: `text.<weight>` [B, L, C] for each linear map of it.
 */
export function lowerTextProjections(network: Network, weights: WeightTable): OnnxModel {
  const emit = new Emitter(weights);
  for (const [name, value] of network.inputs) {
    if (value.kind !== 'tokens') continue;
    const text = emit.onnx.input(name, 'float32', ['batch', 'length', value.channels]);
    for (const { weight, bias, output } of textProjections(network))
      emit.onnx.output(textName(weight), emit.product(text, weight, bias), 'float32', [
        'batch',
        'length',
        output.channels,
      ]);
  }
  return emit.onnx.encode(`${network.name}-text`);
}

/** Linear maps of the token input; a network without attention has none. */
export function textProjections(network: Network): Linear[] {
  const tokens = new Set([...network.inputs.values()].filter(({ kind }) => kind === 'tokens'));
  return network.operators.filter(
    (operator): operator is Linear => operator.type === 'linear' && tokens.has(operator.input),
  );
}

function textName(weight: Weight): string {
  return `text.${weight.name}`;
}

const CORNERS = 4;
const WINDOW = 9;

class RowsLowering {
  readonly emit: Emitter;
  readonly #options: RowsOptions;
  readonly #projections: ReadonlySet<Linear>;
  readonly #refs = new Map<number, Ref>();
  readonly #inputs = new Map<string, Ref>();

  constructor(weights: WeightTable, options: RowsOptions, projections: readonly Linear[]) {
    this.emit = new Emitter(weights);
    this.#options = options;
    this.#projections = new Set(projections);
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
        const projected = this.#projections.has(operator);
        const dims = ['batch', 'length', output.channels];
        const y = projected
          ? this.#input(textName(weight), 'float32', dims)
          : emit.product(this.#get(input), weight, bias);
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
    const { input, weight, kernel, padding, bias, shift } = operator;
    if (kernel !== 3 || padding !== 'same')
      throw new InputError(
        `${weight.name}: only 3×3 convolutions with padding 1 can be computed for a part of the picture.`,
      );
    const feature = windowOf(operator);
    const x = this.#get(input);
    this.#give(feature, x);
    const halo = this.#input(feature.name, 'float32', this.#rowDims(feature));
    const source = this.emit.concat([x, halo], 1);
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
          [gather(indexName('up', input.level, parity), CORNERS), this.#foldedWeight(operator, parity)],
          {},
          'convolution',
        ),
      );
      y = this.emit.concat(parts, 1);
    } else {
      const index = indexName(feature.reader, input.level);
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
    const { name } = momentsOf(operator);
    const x = this.#get(input);
    const both = ['two_batch', groups, 1];
    const each = ['batch', groups, 1];
    const fresh = this.#input(freshName(level), 'float32', [1]);
    const recorded = this.#input(name, 'float32', both);
    const names = normNames(name);
    const [knownMean, knownDeviation] = [names.mean, names.deviation].map((known) =>
      this.#input(known, 'float32', each),
    );
    const isFresh = onnx.node('Squeeze', [onnx.node('Greater', [fresh, onnx.floats([0])])]);
    const [mean, deviation, moments] = onnx.branch(
      isFresh,
      [each, each, both],
      () => {
        const sum = (type: 'ReduceSum' | 'ReduceSumSquare') =>
          onnx.node(type, [x, onnx.ints([1])], { attributes: { keepdims: 0 } }, 'moments');
        const sums = emit.concat([sum('ReduceSum'), sum('ReduceSumSquare')], 0);
        const grouped = onnx.node('Reshape', [sums, onnx.ints([-1, groups, channels / groups])]);
        const means = onnx.node('ReduceMean', [grouped, onnx.ints([2])], {}, 'moments');
        const own = onnx.node('Add', [onnx.node('Mul', [means, fresh]), recorded]);
        return [...emit.deviation(own, operator), own];
      },
      () => [knownMean!, knownDeviation!, recorded].map((ref) => onnx.node('Identity', [ref])),
    );
    onnx.output(`new.${name}`, moments!, 'float32', both);
    return emit.normalize(x, mean!, deviation!, operator, [-1, 1, channels]);
  }

  #attention(operator: Attention): Ref {
    const { emit } = this;
    const { onnx } = emit;
    const query = this.#get(operator.query);
    const [key, value] = [this.#get(operator.key), this.#get(operator.value)];
    if (!isSelfAttention(operator)) return emit.attention(query, key, value, operator);
    const [keys, values] = attendedOf(operator) as [AttendedFeature, AttendedFeature];
    this.#give(keys, key);
    this.#give(values, value);
    // Softmax does not care about the order of keys: recorded rows first, then the fresh ones.
    if (this.#options.storage === 'float32') {
      const all = (feature: AttendedFeature, fresh: Ref) =>
        emit.concat([this.#input(feature.name, 'float32', this.#rowDims(feature)), fresh], 1);
      return emit.attention(query, all(keys, key), all(values, value), operator);
    }
    // In units of the recorded scale of each channel: q · (s · k) = (q · s) · k saves a product a recorded number.
    const scaled = (feature: AttendedFeature, fresh: Ref) => {
      const scale = this.#input(scaleName(feature.name), 'float32', [1, 1, feature.channels]);
      const bytes = this.#input(feature.name, 'int8', this.#rowDims(feature));
      return { scale, all: emit.concat([onnx.cast(bytes, 'float32'), onnx.node('Div', [fresh, scale])], 1) };
    };
    const [k, v] = [scaled(keys, key), scaled(values, value)];
    const seen = emit.attention(onnx.node('Mul', [query, k.scale]), k.all, v.all, operator);
    return onnx.node('Mul', [seen, v.scale]);
  }

  #rowDims({ name, channels }: RowFeature): (number | string)[] {
    return ['batch', `rows.${name}`, channels];
  }

  /** An output that gives this pass's rows for later passes. */
  #give({ name, level, channels }: RowFeature, rows: Ref): void {
    this.emit.onnx.output(`new.${name}`, rows, 'float32', ['batch', `rows_${level}`, channels]);
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
