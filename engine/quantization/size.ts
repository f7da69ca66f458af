import { type FloatPrecision, isFloat, type Precision } from '../../shared/api.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { isWeightProduct } from '../graph/operators.ts';
import type { Weight } from '../graph/values.ts';
import type { WeightForm } from '../graph/weight-form.ts';
import { formsOf } from '../networks/weight-forms.ts';
import { BLOCK } from '../weights/quantized.ts';
import { layoutsOf, matrixShape } from './layers.ts';

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;

/** Bytes of a network's weights in memory, in the layouts that its lowerings read, with float32 scales. */
export function weightBytes(network: Network, precision: Precision, foldUpsampling: boolean): number {
  const products = network.operators.filter(isWeightProduct);
  const formOf = isFloat(precision) ? () => precision : formsOf(network, precision);
  const matrices = products.map((product) => {
    const bytesOf = FORMS[formOf(product)];
    return layoutsOf(product, foldUpsampling).reduce(
      (sum, layout) => sum + bytesOf(...matrixShape(product.weight, layout)),
      0,
    );
  });
  const tables = network.operators.flatMap((operator) =>
    operator.type === 'embedding' && !isFloat(precision) ? [operator.table] : [],
  );
  for (const { shape } of tables) matrices.push((shape[1]! + FLOAT_BYTES) * shape[0]!);
  const taken = new Set([...products.map(({ weight }) => weight), ...tables].map(({ name }) => name));
  const others = weightsOf(network).filter(({ name }) => !taken.has(name));
  return [...matrices, ...others.map((weight) => FLOAT_BYTES * elements(weight))].reduce((a, b) => a + b, 0);
}

/** Bytes of a matrix [rows, columns], with a scale for each column or for each block of rows. */
const FORMS: Record<WeightForm | FloatPrecision, (rows: number, columns: number) => number> = {
  fp32: (rows, columns) => FLOAT_BYTES * rows * columns,
  fp16: (rows, columns) => HALF_BYTES * rows * columns,
  float: (rows, columns) => FLOAT_BYTES * rows * columns,
  int8: (rows, columns) => (rows + FLOAT_BYTES) * columns,
  'blocks-8': (rows, columns) => Math.ceil(rows / BLOCK) * (BLOCK + FLOAT_BYTES) * columns,
  'blocks-4': (rows, columns) => Math.ceil(rows / BLOCK) * (BLOCK / 2 + FLOAT_BYTES) * columns,
};

function elements({ shape }: Weight): number {
  return shape.reduce((a, b) => a * b, 1);
}
