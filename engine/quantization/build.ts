import { InputError } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import type { Weight } from '../graph/values.ts';
import { toHalves } from '../weights/halves.ts';
import { readFloat32 } from '../weights/read.ts';
import type { StoredTensor } from '../weights/source.ts';
import { type TensorToWrite, writeSafetensors } from '../weights/write.ts';
import { BLOCK, fromBlocks, toBlocks, toInt8, toInt8Rows } from './arithmetic.ts';
import type { Form } from './choice.ts';
import {
  isProduct,
  type Layout,
  layoutsOf,
  matrixName,
  matrixOf,
  matrixShape,
  type Product,
  tableName,
} from './layers.ts';
import { type Smoothing, smooth, smoothWeight } from './smoothing.ts';
import type { ChannelStatistics } from './statistics.ts';

export interface QuantizationOptions {
  /** The form of a product's weight. */
  form: (product: Product) => Form;
  /** Upsampling convolutions of int8 are kept folded too. */
  folded: boolean;
  /** The largest int8. */
  most: number;
  smoothing: Smoothing;
  /**
   * What is known of a product's input: biases make up for what rounding in blocks takes off or adds in the mean
   * (Nagel et al., ICCV 2019).
   */
  seen?: (product: Product) => ChannelStatistics | undefined;
}

export interface BuildOptions {
  metadata: Readonly<Record<string, string>>;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** The weights that a network has, by where a checkpoint keeps them. */
export interface FloatWeights {
  get(weight: Weight): StoredTensor;
}

/**
 * Writes a network's weights as one safetensors file: quantized matrices under `matrixName` and tables of embeddings
 * under `tableName` with their scales, what stays float under its own name. One weight at a time is in memory.
 * @throws InputError that names a weight which is not finite, or says why the file cannot be written
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
  const matrices = network.operators.filter(isProduct).flatMap((product) => {
    const form = options.form(product);
    return form === 'float'
      ? []
      : neededLayouts(product, form, options).map((layout) => ({ product, form, layout }));
  });
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
  // Biases come last: rounding the matrices tells what they have to make up for.
  const shifts = new Map<string, Float32Array>();
  const tensors = [
    ...matrices.flatMap((matrix) => pair(matrix, read, options, shifts, count)),
    ...tables.flatMap((table) => tablePair(table, read, count)),
    ...kept.map((weight): TensorToWrite => {
      const changed = smoothing.rows.has(weight.name) || smoothing.divided.has(weight.name);
      // What were halves and stays as it is, stays halves, exactly.
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
  await writeSafetensors(file, tensors, metadata, signal);
}

function neededLayouts(product: Product, form: Form, { folded }: QuantizationOptions): Layout[] {
  const plain = layoutsOf(product, false);
  return form === 'int8' && folded ? [...new Set([...plain, ...layoutsOf(product, true)])] : plain;
}

interface MatrixToWrite {
  product: Product;
  form: Exclude<Form, 'float'>;
  layout: Layout;
}

/** A matrix and its scales, which are quantized once, when the matrix is written. */
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

/** A table of embeddings as bytes, and the scales of its rows. */
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

/** By how much a rounded matrix [K, N] gives less than the exact one for a mean input [K / taps]: [N]. */
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

/** Reads weights, the last one once for all its layouts. */
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
