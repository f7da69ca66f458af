import type { DeviceId } from '../../../shared/devices.ts';
import type { Capabilities } from '../../execution/backend.ts';

export type Gpu = Exclude<DeviceId, 'cpu'>;

/** Products and scalings of bytes. WebGPU has none; with the others none could be measured. */
const BYTES = [
  'DynamicQuantizeLinear',
  'QuantizeLinear',
  'QLinearConv',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'ConvInteger',
];

const UNTRIED = ['RotaryEmbedding', 'SimplifiedLayerNormalization'];

/**
 * Operators without a kernel. `If` has one, but reads its condition back in the middle of a run. What is not replaced or
 * refused runs on the processor: the arithmetic of shapes, and integers of 64 bits. Those of `UNTRIED` were not tried there.
 */
const MISSING: Readonly<Record<Gpu, readonly string[]>> = {
  webgpu: ['FusedMatMul', 'TensorScatter', 'Trilu', 'If', ...UNTRIED, ...BYTES],
  dml: ['TensorScatter', 'If', ...UNTRIED, ...BYTES],
  cuda: ['TensorScatter', 'If', ...UNTRIED, ...BYTES],
};

/**
 * The newest operator set that all of them support. A kernel is registered for the revision of an operator that it was
 * written for: with a newer set, operators that it revises lose their kernel.
 */
const OPSET = 20;

/** @param wrong operators whose kernel gives wrong results */
export function kernelsOf(
  device: Gpu,
  wrong: readonly string[] = [],
): Pick<Capabilities, 'operator' | 'opset' | 'readsHalf'> {
  const without = new Set([...MISSING[device], ...wrong]);
  return { opset: OPSET, readsHalf: false, operator: (name) => !without.has(name) };
}
