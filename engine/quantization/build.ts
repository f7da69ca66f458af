import { toHalves } from '../../shared/halves.ts';
import { InputError } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { isWeightProduct, type WeightProduct } from '../graph/operators.ts';
import type { Weight } from '../graph/values.ts';
import type { WeightForm } from '../graph/weight-form.ts';
import { BLOCK, type Layout } from '../weights/quantized.ts';
import { readFloat32 } from '../weights/read.ts';
import type { StoredTensor } from '../weights/source.ts';
import { type TensorToWrite, writeSealed } from '../weights/write.ts';
import { fromBlocks, toBlocks, toInt8, toInt8Rows } from './arithmetic.ts';
import { layoutsOf, matrixName, matrixOf, matrixShape, tableName } from './layers.ts';
import { type Smoothing, smooth, smoothWeight } from './smoothing.ts';
import type { ChannelStatistics } from './statistics.ts';

export interface QuantizationOptions {
  /** WeightForm in which a product's weight is stored. */
  form: (product: WeightProduct) => WeightForm;
  /** Whether to store int8 weights of upsampling convolutions folded as well. */
  folded: boolean;
  /** Largest int8 value. */
  most: number;
  smoothing: Smoothing;
  /**
   * Statistics of a product's input, with which biases correct the mean error of rounding in blocks (Nagel et al., ICCV
   * 2019).
   */
  seen?: (product: WeightProduct) => ChannelStatistics | undefined;
}

interface BuildOptions {
  metadata: Readonly<Record<string, string>>;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** A network's weights, as stored in its checkpoint. */
export interface FloatWeights {
  get(weight: Weight): StoredTensor;
}

/**
 * Writes a network's weights into one safetensors file: quantized matrices as `matrixName`, embedding tables as
 * `tableName`, both with scales, and float weights by their own name. Holds one weight in memory at a time.
 * @throws InputError naming a weight that is not finite, or why the file cannot be written
 */
export async function writeQuantized(
  file: string,
  network: Network,
  weights: FloatWeights,
  options: QuantizationOptions,
  { metadata, onProgress, signal }: BuildOptions,
): Promise<void> {
  const { smoothing } = options;
  const read = weightReader(weights);
  const matrices = [...matricesOf(network, options).values()];
  const tables = network.operators.flatMap((operator) =>
    operator.type === 'embedding' ? [operator.table] : [],
  );
  const taken = new Set(
    [...matrices.map(({ product }) => product.weight), ...tables].map(({ name }) => name),
  );
  const kept = weightsOf(network).filter(({ name }) => !taken.has(name));
  const total = matrices.length + tables.length + kept.length;
  let done = 0;
  const count = <T>(result: T): T => {
    onProgress?.(++done, total);
    return result;
  };
  // Biases come last, because they correct the rounding of the matrices.
  const shifts = new Map<string, Float32Array>();
  const tensors = [
    ...matrices.flatMap((matrix) => pair(matrix, read, options, shifts, count)),
    ...tables.flatMap((table) => tablePair(table, read, count)),
    ...kept.map((weight): TensorToWrite => {
      const changed = smoothing.rows.has(weight.name) || smoothing.divided.has(weight.name);
      // Half-precision weights that are not changed stay in half precision.
      const isHalf = weights.get(weight).dtype === 'F16' && !changed;
      const dtype = isHalf ? 'F16' : 'F32';
      return {
        name: weight.name,
        dtype,
        shape: weight.shape,
        async *chunks() {
          const values = (await read(weight)).slice();
          smoothWeight(values, weight, smoothing);
          const shift = shifts.get(weight.name);
          if (shift) for (let i = 0; i < shift.length; i++) values[i]! += shift[i]!;
          yield count(bytesOf(dtype === 'F16' ? toHalves(values) : values));
        },
      };
    }),
  ];
  await writeSealed(file, tensors, metadata, signal);
}

/** By `matrixName`: products that share a weight, as those of several reference images do, share its matrices. */
function matricesOf(network: Network, options: QuantizationOptions): Map<string, MatrixToWrite> {
  const matrices = new Map<string, MatrixToWrite>();
  for (const product of network.operators.filter(isWeightProduct)) {
    const form = options.form(product);
    if (form === 'float') continue;
    for (const layout of neededLayouts(product, form, options)) {
      const name = matrixName(product.weight, layout);
      if (!matrices.has(name)) matrices.set(name, { product, form, layout });
    }
  }
  return matrices;
}

function neededLayouts(product: WeightProduct, form: WeightForm, { folded }: QuantizationOptions): Layout[] {
  const plain = layoutsOf(product, false);
  return form === 'int8' && folded ? [...new Set([...plain, ...layoutsOf(product, true)])] : plain;
}

interface MatrixToWrite {
  product: WeightProduct;
  form: Exclude<WeightForm, 'float'>;
  layout: Layout;
}

/** A matrix and its scales. Quantized once, when the matrix is written. */
function pair(
  { product, form, layout }: MatrixToWrite,
  read: (weight: Weight) => Promise<Float32Array>,
  { most, smoothing, seen }: QuantizationOptions,
  shifts: Map<string, Float32Array>,
  count: <T>(result: T) => T,
): TensorToWrite[] {
  const { weight, bias } = product;
  const [rows, columns] = matrixShape(weight, layout);
  const name = matrixName(weight, layout);
  const matrix = async () => {
    const values = matrixOf(weight, layout, await read(weight));
    smooth(values, columns, weight, layout, smoothing);
    return values;
  };
  let scale: Float32Array | undefined;
  const scales = (dtype: 'F32' | 'F16', shape: number[]): TensorToWrite => ({
    name: `${name}:scale`,
    dtype,
    shape,
    *chunks() {
      yield bytesOf(dtype === 'F32' ? scale! : toHalves(scale!));
      scale = undefined;
    },
  });
  if (form === 'int8') {
    const values: TensorToWrite = {
      name,
      dtype: 'I8',
      shape: [rows, columns],
      async *chunks() {
        const quantized = toInt8(await matrix(), columns, most);
        ({ scale } = quantized);
        yield count(bytesOf(quantized.values));
      },
    };
    return [values, scales('F32', [columns])];
  }
  const bits = form === 'blocks-4' ? 4 : 8;
  const blocks = Math.ceil(rows / BLOCK);
  const values: TensorToWrite = {
    name,
    dtype: 'U8',
    shape: [columns, blocks, (BLOCK * bits) / 8],
    async *chunks() {
      const float = await matrix();
      const quantized = toBlocks(float, columns, bits);
      ({ scale } = quantized);
      const mean = bias && seen?.(product)?.mean;
      if (mean) {
        const factors = smoothing.rows.get(weight.name);
        const read = factors ? mean.map((value, c) => value / factors[c]!) : mean;
        const lost = lostOf(read, float, fromBlocks(quantized, rows, columns), columns);
        const shift = shifts.get(bias.name) ?? new Float32Array(bias.shape[0]!);
        shift.set(lost, layout === 'half.1' ? columns : 0);
        shifts.set(bias.name, shift);
      }
      yield count(bytesOf(quantized.values));
    },
  };
  return [values, scales('F16', [columns, blocks])];
}

/** An embedding table as bytes, and the scales of its rows. */
function tablePair(
  table: Weight,
  read: (weight: Weight) => Promise<Float32Array>,
  count: <T>(result: T) => T,
): TensorToWrite[] {
  const [size, channels] = table.shape as [number, number];
  const name = tableName(table);
  let scale: Float32Array | undefined;
  return [
    {
      name,
      dtype: 'I8',
      shape: table.shape,
      async *chunks() {
        const quantized = toInt8Rows(await read(table), channels);
        ({ scale } = quantized);
        yield count(bytesOf(quantized.values));
      },
    },
    {
      name: `${name}:scale`,
      dtype: 'F32',
      shape: [size, 1],
      *chunks() {
        yield bytesOf(scale!);
        scale = undefined;
      },
    },
  ];
}

/** Mean loss of a rounded matrix [K, N] for a mean input [K / taps]: exact minus rounded output [N]. */
function lostOf(
  mean: Float32Array,
  exact: Float32Array,
  rounded: Float32Array,
  columns: number,
): Float32Array {
  const lost = new Float32Array(columns);
  for (let row = 0; row < exact.length / columns; row++) {
    const usual = mean[row % mean.length]!;
    for (let n = 0, i = row * columns; n < columns; n++, i++) lost[n]! += usual * (exact[i]! - rounded[i]!);
  }
  return lost;
}

/** Reads weights and remembers the last one, because a weight may have several layouts. */
export function weightReader(weights: FloatWeights): (weight: Weight) => Promise<Float32Array> {
  let last: { name: string; values: Float32Array } | undefined;
  return async (weight) => {
    if (last?.name === weight.name) return last.values;
    const tensor = weights.get(weight);
    const values = await readFloat32(tensor);
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0)
      throw new InputError(
        `${tensor.file}: tensor ${tensor.name} holds ${values[odd]}, so it cannot be quantized; get the model again or use fp32.`,
      );
    last = { name: weight.name, values };
    return values;
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
