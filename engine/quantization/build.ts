import { InputError } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import type { Weight } from '../graph/values.ts';
import { toHalves } from '../weights/halves.ts';
import { readFloat32 } from '../weights/read.ts';
import type { StoredTensor } from '../weights/source.ts';
import { type TensorToWrite, writeSafetensors } from '../weights/write.ts';
import { BLOCK, toInt4, toInt8 } from './arithmetic.ts';
import type { QuantizedPrecision } from './choice.ts';
import {
  isProduct,
  type Layout,
  layoutsOf,
  matrixName,
  matrixOf,
  matrixShape,
  type Product,
} from './layers.ts';
import { type Smoothing, smooth, smoothWeight } from './smoothing.ts';

export interface QuantizationOptions {
  precision: QuantizedPrecision;
  /** The largest int8. */
  most: number;
  smoothing: Smoothing;
  /** The products whose weights are quantized. */
  chosen: (product: Product) => boolean;
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
 * Writes a network's weights as one safetensors file: quantized matrices under `matrixName` with their scales, what
 * stays float under its own name. One weight at a time is in memory.
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
    if (!options.chosen(product)) return [];
    return neededLayouts(product, options.precision).map((layout) => ({ weight: product.weight, layout }));
  });
  const taken = new Set(matrices.map(({ weight }) => weight.name));
  const kept = weightsOf(network).filter(({ name }) => !taken.has(name));
  const total = matrices.length + kept.length;
  let done = 0;
  const count = <T>(result: T): T => {
    onProgress?.(++done, total);
    return result;
  };
  const tensors = [
    ...kept.map((weight): TensorToWrite => {
      const smoothed = smoothing.rows.has(weight.name) || smoothing.divided.has(weight.name);
      // What were halves and stays as it is, stays halves, exactly.
      const dtype = weights.get(weight).dtype === 'F16' && !smoothed ? 'F16' : 'F32';
      return {
        name: weight.name,
        dtype,
        shape: weight.shape,
        async *chunks() {
          const values = (await read(weight)).slice();
          smoothWeight(values, weight, smoothing);
          yield count(bytesOf(dtype === 'F16' ? toHalves(values) : values));
        },
      };
    }),
    ...matrices.flatMap(({ weight, layout }) => {
      const matrix = async () => {
        const [, columns] = matrixShape(weight, layout);
        const values = matrixOf(weight, layout, await read(weight));
        smooth(values, columns, weight, layout, smoothing);
        return values;
      };
      return pair(weight, layout, options, async () => count(await matrix()));
    }),
  ];
  await writeSafetensors(file, tensors, metadata, signal);
}

/** int4 is for machines short of memory: there a folded upsampling, whose matrices are larger, is not used. */
function neededLayouts(product: Product, precision: QuantizedPrecision): Layout[] {
  const plain = layoutsOf(product, false);
  const folded = precision === 'int8' ? layoutsOf(product, true) : [];
  return [...new Set([...plain, ...folded])];
}

/** A matrix and its scales, which are quantized once, when the matrix is written. */
function pair(
  weight: Weight,
  layout: Layout,
  { precision, most }: QuantizationOptions,
  matrix: () => Promise<Float32Array>,
): TensorToWrite[] {
  const [rows, columns] = matrixShape(weight, layout);
  const name = matrixName(weight, layout);
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
  if (precision === 'int8') {
    const values: TensorToWrite = {
      name,
      dtype: 'I8',
      shape: [rows, columns],
      async *chunks() {
        const quantized = toInt8(await matrix(), columns, most);
        ({ scale } = quantized);
        yield bytesOf(quantized.values);
      },
    };
    return [values, scales('F32', [columns])];
  }
  const blocks = Math.ceil(rows / BLOCK);
  const values: TensorToWrite = {
    name,
    dtype: 'U8',
    shape: [columns, blocks, BLOCK / 2],
    async *chunks() {
      const quantized = toInt4(await matrix(), columns);
      ({ scale } = quantized);
      yield bytesOf(quantized.values);
    },
  };
  return [values, scales('F16', [columns, blocks])];
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
