import { isFloat, PRECISIONS } from '../../../shared/arithmetic.ts';
import type { DeviceId } from '../../../shared/devices.ts';
import type { Capabilities } from '../../execution/backend.ts';
import type { Findings } from './findings.ts';

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

/**
 * WebGPU's kernel for convolutions reads channels in threes if they are a multiple of 3 and not of 4, and is wrong if
 * there is more than one three.
 */
function readChannels(channels: number): number {
  return channels > 3 && channels % 3 === 0 ? 4 * Math.ceil(channels / 4) : channels;
}

/** What was found out about a device that decides how networks run on it. */
export function foundOut(
  device: Gpu,
  { wrong, half = false, storages = [], convolutions, steps }: Findings,
): Pick<
  Capabilities,
  'operator' | 'opset' | 'readsHalf' | 'readChannels' | 'precisions' | 'elements' | 'convolutions' | 'steps'
> {
  const kernels = kernelsOf(device, wrong);
  const hasBlocks = kernels.operator('MatMulNBits');
  return {
    ...kernels,
    precisions: PRECISIONS.filter((name) => (name === 'fp16' ? half : hasBlocks || isFloat(name))),
    elements: ['float32', 'int32', 'int64', ...storages],
    ...(convolutions && { convolutions }),
    ...(steps && { steps }),
  };
}

/** @param wrong operators whose kernel gives wrong results */
export function kernelsOf(
  device: Gpu,
  wrong: readonly string[] = [],
): Pick<Capabilities, 'operator' | 'opset' | 'readsHalf' | 'readChannels'> {
  const without = new Set([...MISSING[device], ...wrong]);
  return {
    opset: OPSET,
    readsHalf: false,
    operator: (name) => !without.has(name),
    ...(device === 'webgpu' && { readChannels }),
  };
}
