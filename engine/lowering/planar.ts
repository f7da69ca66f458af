import type { Network } from '../graph/network.ts';
import { MICROSOFT, OnnxBuilder, type OnnxModel, type Ref } from '../graph/onnx.ts';
import type { ActivationName, Operator } from '../graph/operators.ts';
import type { Features, Value, Weight } from '../graph/values.ts';
import type { WeightTable } from '../weights/table.ts';

/**
 * A network as an ordinary ONNX graph: maps are planes [B, C, H, W] with native convolutions, except inside
 * transformers, where they are rows [B, H·W, C]. Any batch, size and text length: the graph has no fixed extent.
 */
export function lowerPlanar(network: Network, weights: WeightTable): OnnxModel {
  const lowering = new PlanarLowering(weights);
  for (const [name, value] of network.inputs) lowering.input(name, value);
  for (const operator of network.operators) lowering.lower(operator);
  for (const [name, value] of network.outputs) lowering.output(name, value);
  return lowering.onnx.encode(network.name);
}

/** The forms in which a map is at hand; the other is made when an operator asks for it. */
interface Forms {
  planes?: Ref;
  rows?: Ref;
}

class PlanarLowering {
  readonly onnx = new OnnxBuilder();
  readonly #weights: WeightTable;
  readonly #forms = new Map<number, Forms>();
  /** Height and width of a level as a tensor of two, taken from the first planes of that level. */
  readonly #extents = new Map<number, Ref>();

  constructor(weights: WeightTable) {
    this.#weights = weights;
  }

  input(name: string, value: Value): void {
    const { onnx } = this;
    if (value.kind === 'ids')
      this.#forms.set(value.id, { rows: onnx.input(name, 'int64', ['batch', 'length']) });
    else if (value.kind === 'tokens')
      this.#forms.set(value.id, { rows: onnx.input(name, 'float32', ['batch', 'length', value.channels]) });
    else if (value.kind === 'vector')
      this.#forms.set(value.id, { rows: onnx.input(name, 'float32', [`${name}_batch`, value.channels]) });
    else this.#setPlanes(value, onnx.input(name, 'float32', ['batch', value.channels, 'height', 'width']));
  }

  output(name: string, value: Value): void {
    if (value.kind === 'map')
      this.onnx.output(name, this.#planes(value), 'float32', [
        'batch',
        value.channels,
        `${name}_h`,
        `${name}_w`,
      ]);
    else if (value.kind === 'ids') throw new Error('ids are not an output');
    else {
      const dims = value.kind === 'tokens' ? ['batch', 'length', value.channels] : ['batch', value.channels];
      this.onnx.output(name, this.#rows(value), 'float32', dims);
    }
  }

  lower(operator: Operator): void {
    const { onnx } = this;
    switch (operator.type) {
      case 'convolution': {
        const { input, output, kernel, stride, padding, bias, shift } = operator;
        const k = Math.floor(kernel / 2);
        let x = this.#planes(input);
        if (operator.upsample) x = this.#enlarge(x, output.level);
        const inputs = [x, this.#weight(operator.weight), ...(bias ? [this.#weight(bias)] : [])];
        const attributes = {
          kernel_shape: [kernel, kernel],
          strides: [stride, stride],
          pads: padding === 'same' ? [k, k, k, k] : [0, 0, 1, 1],
        };
        let y = onnx.node('Conv', inputs, { attributes }, 'convolution');
        if (shift)
          y = onnx.node('Add', [y, onnx.node('Reshape', [this.#rows(shift), onnx.ints([0, -1, 1, 1])])]);
        return this.#setPlanes(output, y);
      }
      case 'linear': {
        const { input, output, weight, bias } = operator;
        const forms = this.#form(input);
        if (input.kind === 'map' && forms.rows === undefined) {
          const [out, channels] = weight.shape as [number, number];
          const kernel = this.#weight(weight, [out, channels, 1, 1]);
          const inputs = [this.#planes(input), kernel, ...(bias ? [this.#weight(bias)] : [])];
          const attributes = { kernel_shape: [1, 1] };
          return this.#setPlanes(output, onnx.node('Conv', inputs, { attributes }, 'linear'));
        }
        return this.#setRows(output, this.#product(this.#rows(input), weight, bias));
      }
      case 'geglu': {
        const half = operator.output.channels;
        const x = this.#rows(operator.input);
        const [value, gate] = [0, half].map((from) =>
          this.#product(x, operator.weight, operator.bias, { from, count: half }),
        );
        const gated = onnx.node('Gelu', [gate!], { domain: MICROSOFT }, 'geglu');
        return this.#setRows(operator.output, onnx.node('Mul', [value!, gated], {}, 'geglu'));
      }
      case 'group-norm': {
        const { input, output, groups, epsilon, gain, bias } = operator;
        const x = this.#planes(input);
        const shape = onnx.node('Shape', [x]);
        const grouped = onnx.node('Reshape', [x, onnx.ints([0, groups, -1])]);
        const attributes = { epsilon: { float: epsilon } };
        const ones = onnx.floats(new Float32Array(groups).fill(1));
        const zeros = onnx.floats(new Float32Array(groups));
        let y = onnx.node('InstanceNormalization', [grouped, ones, zeros], { attributes }, 'group-norm');
        y = onnx.node('Reshape', [y, shape]);
        y = onnx.node('Mul', [y, this.#weight(gain, [input.channels, 1, 1])], {}, 'group-norm');
        y = onnx.node('Add', [y, this.#weight(bias, [input.channels, 1, 1])], {}, 'group-norm');
        return this.#setPlanes(output, operator.activation ? this.#activate(y, operator.activation) : y);
      }
      case 'layer-norm': {
        const inputs = [this.#rows(operator.input), this.#weight(operator.gain), this.#weight(operator.bias)];
        const attributes = { axis: -1, epsilon: { float: operator.epsilon } };
        return this.#setRows(operator.output, onnx.node('LayerNormalization', inputs, { attributes }));
      }
      case 'attention': {
        const inputs = [operator.query, operator.key, operator.value].map((value) => this.#rows(value));
        const attributes = { num_heads: operator.heads, ...(operator.causal && { unidirectional: 1 }) };
        const options = { domain: MICROSOFT, attributes };
        return this.#setRows(operator.output, onnx.node('MultiHeadAttention', inputs, options, 'attention'));
      }
      case 'activation':
        return this.#map(operator.input, operator.output, (x) => this.#activate(x, operator.function));
      case 'affine':
        return this.#map(operator.input, operator.output, (x) => {
          const scaled = onnx.node('Mul', [x, onnx.floats([operator.scale], [])]);
          return onnx.node('Add', [scaled, onnx.floats([operator.offset], [])]);
        });
      case 'soft-clamp':
        return this.#map(operator.input, operator.output, (x) => {
          const limit = onnx.floats([operator.limit], []);
          return onnx.node('Mul', [onnx.node('Tanh', [onnx.node('Div', [x, limit])]), limit]);
        });
      case 'sum': {
        const [a, b] = operator.inputs;
        const planes = this.#form(a).planes !== undefined && this.#form(b).planes !== undefined;
        const form = planes ? this.#planes : this.#rows;
        const y = onnx.node('Add', [form.call(this, a), form.call(this, b)], {}, 'sum');
        return planes ? this.#setPlanes(operator.output, y) : this.#setRows(operator.output, y);
      }
      case 'concat': {
        const { inputs, output } = operator;
        if (output.kind !== 'map')
          return this.#setRows(
            output,
            this.#concat(
              inputs.map((value) => this.#rows(value)),
              -1,
            ),
          );
        return this.#setPlanes(
          output,
          this.#concat(
            inputs.map((value) => this.#planes(value)),
            1,
          ),
        );
      }
      case 'embedding': {
        const ids = this.#rows(operator.input);
        const rows = onnx.node('Gather', [this.#weight(operator.table), ids]);
        const length = onnx.node('Shape', [ids], { attributes: { start: 1, end: 2 } });
        const places = [this.#weight(operator.positions), onnx.ints([0]), length, onnx.ints([0])];
        return this.#setRows(operator.output, onnx.node('Add', [rows, onnx.node('Slice', places)]));
      }
      case 'sinusoid': {
        const half = operator.channels / 2;
        const frequencies = Array.from({ length: half }, (_, i) =>
          Math.exp((-Math.log(10000) * i) / (half - operator.shift)),
        );
        const column = onnx.node('Unsqueeze', [this.#rows(operator.input), onnx.ints([-1])]);
        const angles = onnx.node('Mul', [column, onnx.floats(frequencies)]);
        const parts = [onnx.node('Sin', [angles]), onnx.node('Cos', [angles])];
        if (operator.flip) parts.reverse();
        const shape = onnx.ints([0, operator.output.channels]);
        return this.#setRows(operator.output, onnx.node('Reshape', [this.#concat(parts, -1), shape]));
      }
    }
  }

  #weight(weight: Weight, dims = weight.shape): Ref {
    return this.onnx.weight(this.#weights.get(weight), dims);
  }

  /** x · wᵀ + b over the last axis; `part` takes some rows of w and b. */
  #product(x: Ref, weight: Weight, bias?: Weight, part?: { from: number; count: number }): Ref {
    const [out, channels] = weight.shape as [number, number];
    const matrix = this.onnx.weight(this.#weights.get(weight), [out, channels], part);
    const options = { domain: MICROSOFT, attributes: { transB: 1 } };
    const y = this.onnx.node('FusedMatMul', [x, matrix], options, 'linear');
    if (!bias) return y;
    return this.onnx.node('Add', [y, this.onnx.weight(this.#weights.get(bias), [out], part)], {}, 'linear');
  }

  #activate(x: Ref, name: ActivationName): Ref {
    const { onnx } = this;
    if (name === 'relu') return onnx.node('Relu', [x]);
    if (name === 'gelu') return onnx.node('Gelu', [x], { domain: MICROSOFT });
    // x · sigmoid(alpha · x)
    const alpha = { float: name === 'silu' ? 1 : 1.702 };
    return onnx.node('QuickGelu', [x], { domain: MICROSOFT, attributes: { alpha } }, name);
  }

  #concat(inputs: Ref[], axis: number): Ref {
    return this.onnx.node('Concat', inputs, { attributes: { axis } });
  }

  /** Nearest-neighbour ×2, cut to the size of a level that is known already, from the way down. */
  #enlarge(x: Ref, level: number): Ref {
    const { onnx } = this;
    const attributes = {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    };
    const known = this.#extents.get(level);
    if (known === undefined) return onnx.node('Resize', [x, '', onnx.floats([1, 1, 2, 2])], { attributes });
    const leading = onnx.node('Shape', [x], { attributes: { start: 0, end: 2 } });
    return onnx.node('Resize', [x, '', '', this.#concat([leading, known], 0)], { attributes });
  }

  /** Element by element, in whichever form the input is at hand. */
  #map(input: Features, output: Features, compute: (x: Ref) => Ref): void {
    const { planes } = this.#form(input);
    if (planes !== undefined) this.#setPlanes(output, compute(planes));
    else this.#setRows(output, compute(this.#rows(input)));
  }

  #form(value: Value): Forms {
    const forms = this.#forms.get(value.id);
    if (!forms) throw new Error(`value ${value.id} is read before it is computed`);
    return forms;
  }

  #setPlanes(value: Features, ref: Ref): void {
    this.#forms.set(value.id, { planes: ref });
    if (value.kind === 'map' && !this.#extents.has(value.level))
      this.#extents.set(value.level, this.onnx.node('Shape', [ref], { attributes: { start: 2, end: 4 } }));
  }

  #setRows(value: Features, ref: Ref): void {
    this.#forms.set(value.id, { rows: ref });
  }

  #planes(value: Features): Ref {
    const forms = this.#form(value);
    if (forms.planes !== undefined) return forms.planes;
    if (value.kind !== 'map') throw new Error('only maps have planes');
    const { onnx } = this;
    const across = onnx.node('Transpose', [forms.rows!], { attributes: { perm: [0, 2, 1] } });
    const shape = this.#concat([onnx.ints([0, value.channels]), this.#extents.get(value.level)!], 0);
    forms.planes = onnx.node('Reshape', [across, shape]);
    return forms.planes;
  }

  #rows(value: Value): Ref {
    const forms = this.#form(value);
    if (forms.rows !== undefined) return forms.rows;
    const { onnx } = this;
    const flat = onnx.node('Reshape', [forms.planes!, onnx.ints([0, 0, -1])]);
    forms.rows = onnx.node('Transpose', [flat], { attributes: { perm: [0, 2, 1] } });
    return forms.rows;
  }
}
