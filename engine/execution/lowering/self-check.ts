import { float32, floats } from '../../graph/tensor.ts';
import { INT8_MOST } from '../../quantization/arithmetic.ts';
import { remembered } from '../../remembered.ts';
import { hasByteProducts } from '../backend.ts';
import type { OnnxLoader } from './onnx/loader.ts';
import { MICROSOFT, OnnxBuilder } from './onnx/onnx.ts';

/** Half the range: the sum of two products of such a weight and a byte fits into 16 bits. */
export const CAREFUL_MOST = 63;
const LENGTH = 64;
const COLUMNS = 16;

const known = new WeakMap<OnnxLoader, Promise<number>>();

/**
 * Largest int8 weight with which products are exact on this machine. Processors without VNNI add two products of
 * unsigned and signed bytes in 16 bits and saturate, which computing the largest possible sum shows.
 */
export async function largestInt8(loader: OnnxLoader): Promise<number> {
  // Backends that do not multiply bytes are exact.
  if (!hasByteProducts(loader.can)) return INT8_MOST;
  return remembered(known, loader, () => measure(loader));
}

async function measure(loader: OnnxLoader): Promise<number> {
  const onnx = new OnnxBuilder();
  const x = onnx.input('x', 'float32', [1, LENGTH]);
  // Ones become the byte 255.
  const [rows, scale, zero] = onnx.nodes('DynamicQuantizeLinear', [x], 3);
  const matrix = onnx.bytes(new Int8Array(LENGTH * COLUMNS).fill(INT8_MOST), [LENGTH, COLUMNS]);
  const ones = onnx.floats(new Float32Array(COLUMNS).fill(1));
  const inputs = [rows!, matrix, scale!, ones, zero!];
  const y = onnx.node('MatMulIntegerToFloat', inputs, { domain: MICROSOFT });
  onnx.output('y', y, 'float32', [1, COLUMNS]);
  const program = await loader.load(onnx.encode('integer-products'), { threads: 1 });
  try {
    const result = await program.run({ x: float32(new Float32Array(LENGTH).fill(1), [1, LENGTH]) });
    const exact = LENGTH * INT8_MOST;
    return floats(result, 'y').every((sum) => Math.abs(sum - exact) < 0.01 * exact)
      ? INT8_MOST
      : CAREFUL_MOST;
  } finally {
    await program.release();
  }
}
