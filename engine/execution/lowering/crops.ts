import type { Network } from '../../graph/network.ts';
import type { Attention, GroupNorm } from '../../graph/operators.ts';
import { attendedOf, momentsOf } from '../../regions/features.ts';
import type { Windowed } from '../../regions/reach.ts';
import type { Weights } from '../../weights/weight-table.ts';
import { FRESH, rowsName, trimNames } from '../forms/crops.ts';
import { attention } from './attention.ts';
import type { Grid } from './byte-windows.ts';
import type { OnnxModel, Ref } from './onnx/onnx.ts';
import { PlanarLowering } from './planar.ts';
import type { Target } from './target.ts';

/**
 * A network in planar form that computes a rectangle of its output (`regions/crop.ts`), or all of it.
 *
 * Inputs beside the network's own:
 * `trim.<id>.from`, `trim.<id>.to` int64 [2]: where an operator that changes the level cuts its input: row and column,
 * the end excluded; `id` is that of its output;
 * `rows.<path>` int64 [n]: which rows of a self-attention's fresh keys and values take part;
 * `keys.<path>`, `values.<path>` [B, m, C]: the recorded ones that take part beside them;
 * `moments.*` [2B, G, 1] and `fresh` [1]: group norm takes moments = fresh · own + recorded, where moments are means
 * (first B) and means of squares (last B).
 *
 * Outputs beside the network's own, under the same names with `new.` before: the crop's own keys, values and moments.
 */
export function lowerCrops(network: Network, weights: Weights, target: Target): OnnxModel {
  return new CropLowering(weights, target).model(network);
}

class CropLowering extends PlanarLowering {
  #fresh: Ref | undefined;

  protected override source(operator: Windowed): Ref {
    const x = this.planes(operator.input);
    return operator.input.level === operator.output.level ? x : this.#trimmed(x, operator, [2, 3]);
  }

  protected override grid(operator: Windowed): Grid {
    const grid = super.grid(operator);
    const { input, output } = operator;
    if (input.level === output.level) return grid;
    const { onnx } = this.emit;
    const shape = this.emit.concat([onnx.ints([0]), grid.extent, onnx.ints([input.channels])], 0);
    const map = this.#trimmed(onnx.node('Reshape', [grid.rows, shape]), operator, [1, 2]);
    const rows = onnx.node('Reshape', [map, onnx.ints([0, -1, input.channels])]);
    return { rows, extent: onnx.node('Shape', [map], { attributes: { start: 1, end: 3 } }) };
  }

  /** The rectangle that an operator reads, of a map whose rows and columns are along `axes`. */
  #trimmed(x: Ref, { output: { id } }: Windowed, axes: readonly number[]): Ref {
    const { onnx } = this.emit;
    const { from, to } = trimNames(id);
    const corners = [from, to].map((name) => onnx.input(name, 'int64', [2]));
    return onnx.node('Slice', [x, ...corners, onnx.ints(axes)], {}, 'trim');
  }

  protected override groupNorm(operator: GroupNorm): void {
    const { emit } = this;
    const { onnx } = emit;
    const { input, output, groups } = operator;
    const { channels } = input;
    const { name } = momentsOf(operator);
    const x = this.planes(input);
    const grouped = onnx.node('Reshape', [x, onnx.ints([0, groups, -1])]);
    const mean = (values: Ref) => onnx.node('ReduceMean', [values, onnx.ints([2])], {}, 'moments');
    const own = emit.concat([mean(grouped), mean(onnx.node('Mul', [grouped, grouped], {}, 'moments'))], 0);
    const dims = ['two_batch', groups, 1];
    onnx.output(`new.${name}`, own, 'float32', dims);
    this.#fresh ??= onnx.input(FRESH, 'float32', [1]);
    const recorded = onnx.input(name, 'float32', dims);
    const moments = onnx.node('Add', [onnx.node('Mul', [own, this.#fresh]), recorded]);
    this.setPlanes(output, emit.groupNorm(x, moments, operator, [-1, channels, 1, 1]));
  }

  protected override attention(operator: Attention): void {
    const { onnx } = this.emit;
    const rows = onnx.input(rowsName(operator.path), 'int64', [rowsName(operator.path)]);
    const [key, value] = attendedOf(operator).map(({ name, channels }, i) => {
      const fresh = this.rows(i === 0 ? operator.key : operator.value);
      onnx.output(`new.${name}`, fresh, 'float32', ['batch', `crop.${name}`, channels]);
      const recorded = onnx.input(name, 'float32', ['batch', `recorded.${name}`, channels]);
      const taken = onnx.node('Gather', [fresh, rows], { attributes: { axis: 1 } });
      return this.emit.concat([recorded, taken], 1);
    });
    this.setRows(operator.output, attention(this.emit, this.rows(operator.query), key!, value!, operator));
  }
}
