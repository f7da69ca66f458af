import type { Precision } from './arithmetic.ts';
import { formatLatency } from './units.ts';

/** Where networks can run: on the processor, or on a GPU by one of the interfaces that reach it. */
export const DEVICE_IDS = ['cpu', 'webgpu', 'dml', 'cuda'] as const;
export type DeviceId = (typeof DEVICE_IDS)[number];

/** `auto`: the fastest that computes correctly. */
export const DEVICE_CHOICES = ['auto', ...DEVICE_IDS] as const;
export type DeviceChoice = (typeof DEVICE_CHOICES)[number];

/** Seconds of one block of a U-Net, by the precision of its weights; see `engine/execution/device-check/step.ts`. */
export type StepTimes = Readonly<Partial<Record<Exclude<Precision, 'int4'>, number>>>;

/** A way to compute on this machine, and what was found out about it. */
export interface DeviceInfo {
  id: DeviceId;
  /** Name of the processor or the GPU. */
  name: string;
  /** The interface by which it is reached, for people. */
  provider: string;
  /** Whether networks run there. */
  available: boolean;
  /** Whether its numbers were compared with the processor's and agree. */
  checked: boolean;
  /** A processor that acts as a GPU: slower than the processor itself, and never chosen automatically. */
  software: boolean;
  /** Why it is not used, or what is computed another way there. */
  reason: string | null;
  /** Seconds of the step that is timed on every device; see `engine/execution/device-check/step.ts`. */
  stepSeconds: number | null;
  /** Of a GPU: the same in each precision in which it computes correctly; a model's default follows it. */
  steps: StepTimes | null;
  /**
   * Of a GPU: seconds of a 3×3 convolution by as many channels for each position, as rows that are gathered and
   * multiplied, and as a native convolution of the rectangle around them. `form`: which edits take at such levels.
   */
  convolutions: { channels: number; rows: number; rectangle: number; form: 'rows' | 'rectangle' }[] | null;
}

/** Systems that may have each, by Node's names. */
export const DEVICE_SYSTEMS: Readonly<Record<DeviceId, readonly string[]>> = {
  cpu: ['linux', 'darwin', 'win32'],
  webgpu: ['linux', 'darwin', 'win32'],
  dml: ['win32'],
  cuda: ['linux'],
};

export const DEVICE_PROVIDERS: Readonly<Record<DeviceId, string>> = {
  cpu: 'processor',
  webgpu: 'WebGPU',
  dml: 'DirectML',
  cuda: 'CUDA',
};

/**
 * Whether a device's numbers were compared with the processor's, and in which precisions they agree, with the time of a
 * step: `checked against the processor; a test step in fp32 20 ms, fp16 9 ms`. Undefined if it cannot be used.
 */
export function describeCheck({ id, checked, steps }: DeviceInfo): string | undefined {
  if (id === 'cpu') return 'others are checked against it';
  if (!checked) return undefined;
  const times = Object.entries(steps ?? {}).map(
    ([precision, seconds]) => `${precision} ${formatLatency(seconds)}`,
  );
  const agreed = 'checked against the processor';
  return times.length > 0 ? `${agreed}; a test step in ${times.join(', ')}` : agreed;
}
