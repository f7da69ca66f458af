import { TINY } from '../../regions/bytes.ts';
import type { RowStorage } from '../../regions/features.ts';
import type { OnnxBuilder, Ref } from './onnx/onnx.ts';

/** What zero is stored as in a byte. */
const ZERO = 128;
const MOST = 127;

/** Rows [B, N, C] on a device, and the scales of those in bytes [B, N, 1]. */
export interface RecordedRows {
  rows: Ref;
  scale?: Ref;
}

/** The type of rows as a network gives them. Bytes in main memory are made there. */
export function elementOf(storage: RowStorage): 'float32' | 'float16' | 'uint8' {
  if (storage === 'int8') return 'float32';
  return storage === 'nibbles' ? 'uint8' : storage;
}

/** Rows of float32 as they are recorded; see `DeviceStorage` */
export function recordedRows(onnx: OnnxBuilder, x: Ref, storage: RowStorage): RecordedRows {
  if (storage === 'float16') return { rows: onnx.cast(x, 'float16') };
  if (storage !== 'uint8') return { rows: x };
  const node = (type: string, ...inputs: Ref[]) => onnx.node(type, inputs, {}, 'bytes');
  const largest = node('ReduceMax', node('Abs', x), onnx.ints([2]));
  const scale = node('Add', node('Mul', largest, onnx.floats([1 / MOST])), onnx.floats([TINY]));
  // A cast to a whole number leaves out what is behind the point.
  const shifted = node('Add', node('Div', x, scale), onnx.floats([ZERO + 0.5]));
  return { rows: onnx.cast(shifted, 'uint8'), scale };
}

/** The float32 values of recorded rows. */
export function restoredRows(onnx: OnnxBuilder, { rows, scale }: RecordedRows, storage: RowStorage): Ref {
  const floats = storage === 'float32' ? rows : onnx.cast(rows, 'float32');
  if (!scale) return floats;
  return onnx.node('Mul', [onnx.node('Sub', [floats, onnx.floats([ZERO])], {}, 'bytes'), scale], {}, 'bytes');
}
