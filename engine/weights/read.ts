import { fromHalves } from '../../shared/halves.ts';
import { InputError, quoted } from '../errors.ts';
import { BYTES_PER_ELEMENT } from './dtypes.ts';
import { DEQUANTIZE, isQuantized } from './gguf/blocks.ts';
import { typeOf } from './gguf/types.ts';
import { readInto, withFile } from './range.ts';
import type { StoredTensor } from './source.ts';

/** Elements converted at a time, so that a large tensor is never in memory twice. */
const CHUNK_ELEMENTS = 1 << 20;

/** Converts elements of `bytes`, which has at least enough for `target`, into `target`. */
type Convert<Target> = (bytes: Uint8Array<ArrayBuffer>, target: Target) => void;

type FloatType = 'F64' | 'F32' | 'F16' | 'BF16';

// All platforms that ONNX Runtime supports are little-endian, as the format is.
const FLOAT_CONVERSIONS: Readonly<Record<FloatType, Convert<Float32Array>>> = {
  F32: (bytes, target) => target.set(new Float32Array(bytes.buffer, 0, target.length)),
  F64: (bytes, target) => target.set(new Float64Array(bytes.buffer, 0, target.length)),
  F16(bytes, target) {
    fromHalves(new Uint16Array(bytes.buffer, 0, target.length), target);
  },
  BF16(bytes, target) {
    const halves = new Uint16Array(bytes.buffer, 0, target.length);
    const words = new Uint32Array(target.buffer, target.byteOffset, target.length);
    for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
  },
};

const INTEGER_VIEWS = {
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

function isFloat(dtype: string): dtype is FloatType {
  return Object.hasOwn(FLOAT_CONVERSIONS, dtype);
}

function isInteger(dtype: string): dtype is keyof typeof INTEGER_VIEWS {
  return Object.hasOwn(INTEGER_VIEWS, dtype);
}

/** The tensor's values as float32, in row-major order. @throws InputError for an integer tensor. */
export async function readFloat32(tensor: StoredTensor): Promise<Float32Array> {
  const { dtype } = tensor;
  if (isQuantized(tensor)) return dequantized(tensor);
  if (tensor.scale) return scaled(tensor, tensor.scale);
  if (!isFloat(dtype)) throw wrongKind(tensor, 'floating-point numbers');
  const convert = FLOAT_CONVERSIONS[dtype];
  const size = BYTES_PER_ELEMENT[dtype];
  const result = new Float32Array(tensor.length / size);
  await readChunks(tensor, size, (bytes, begin, end) => convert(bytes, result.subarray(begin, end)));
  return inOrder(result, tensor);
}

/** The values of ggml's quantized blocks. */
async function dequantized(tensor: StoredTensor): Promise<Float32Array> {
  const { values, bytes } = typeOf(tensor);
  const result = new Float32Array((tensor.length / bytes) * values);
  await readChunks(tensor, bytes, (blocks, begin, end) =>
    DEQUANTIZE[tensor.dtype]!(blocks, result.subarray(begin * values, end * values)),
  );
  return inOrder(result, tensor);
}

/** The values of bytes with a scale for each row. */
async function scaled(tensor: StoredTensor, scale: StoredTensor): Promise<Float32Array> {
  if (tensor.dtype !== 'I8') throw wrongKind(tensor, 'bytes');
  const scales = await readFloat32(scale);
  const result = new Float32Array(tensor.length);
  const columns = result.length / scales.length;
  await readChunks(tensor, 1, (bytes, begin, end) => {
    const values = new Int8Array(bytes.buffer, 0, end - begin);
    for (let i = begin; i < end; i++) result[i] = values[i - begin]! * scales[Math.floor(i / columns)]!;
  });
  return inOrder(result, tensor);
}

/** Values in the order of the tensor's axes, from those in the order of the file. */
function inOrder(values: Float32Array, { shape, axes }: StoredTensor): Float32Array {
  if (!axes) return values;
  // How far apart neighbours along each axis are in the file.
  const steps = new Array<number>(shape.length).fill(1);
  for (let i = axes.length - 2; i >= 0; i--) steps[axes[i]!] = steps[axes[i + 1]!]! * shape[axes[i + 1]!]!;
  const result = new Float32Array(values.length);
  const at = new Array<number>(shape.length).fill(0);
  for (let to = 0, from = 0; to < result.length; to++) {
    result[to] = values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return result;
}

/** The tensor's values as int64, in row-major order. @throws InputError for a floating-point tensor. */
export async function readInt64(tensor: StoredTensor): Promise<BigInt64Array> {
  const { dtype } = tensor;
  if (!isInteger(dtype)) throw wrongKind(tensor, 'integers');
  const View = INTEGER_VIEWS[dtype];
  const size = BYTES_PER_ELEMENT[dtype];
  const result = new BigInt64Array(tensor.length / size);
  await readChunks(tensor, size, (bytes, begin, end) => {
    const values = new View(bytes.buffer, 0, end - begin);
    for (let i = 0; i < values.length; i++) result[begin + i] = BigInt(values[i]!);
  });
  return result;
}

/** Reads a tensor in chunks of whole elements or blocks, `begin` to `end`, into one reused buffer. */
async function readChunks(
  tensor: StoredTensor,
  size: number,
  take: (bytes: Uint8Array<ArrayBuffer>, begin: number, end: number) => void,
): Promise<void> {
  const count = tensor.length / size;
  const buffer = new Uint8Array(Math.min(count, CHUNK_ELEMENTS) * size);
  await withFile(tensor.file, async (handle) => {
    for (let begin = 0; begin < count; begin += CHUNK_ELEMENTS) {
      const end = Math.min(begin + CHUNK_ELEMENTS, count);
      const bytes = buffer.subarray(0, (end - begin) * size);
      await readInto(handle, tensor.file, tensor.offset + begin * size, bytes);
      take(bytes, begin, end);
    }
  });
}

/** Integers that only a single number is read of: tools that count with NumPy or newer PyTorch write them. */
const UNSIGNED_VIEWS = { U16: Uint16Array, U32: Uint32Array, U64: BigUint64Array };

/** A single number, integer or floating-point. @throws InputError for a tensor of several, or of an unsupported type */
export async function readNumber(tensor: StoredTensor): Promise<number> {
  if (tensor.shape.some((n) => n !== 1)) throw wrongKind(tensor, 'one number');
  const dtype: string = tensor.dtype;
  if (Object.hasOwn(UNSIGNED_VIEWS, dtype)) {
    const View = UNSIGNED_VIEWS[dtype as keyof typeof UNSIGNED_VIEWS];
    const bytes = new Uint8Array(View.BYTES_PER_ELEMENT);
    await withFile(tensor.file, (handle) => readInto(handle, tensor.file, tensor.offset, bytes));
    return Number(new View(bytes.buffer)[0]);
  }
  return isInteger(tensor.dtype) ? Number((await readInt64(tensor))[0]) : (await readFloat32(tensor))[0]!;
}

function wrongKind(tensor: StoredTensor, wanted: string): InputError {
  return new InputError(
    `${tensor.file}: tensor ${quoted(tensor.name)} has type ${tensor.dtype} where ${wanted} are needed.`,
  );
}
