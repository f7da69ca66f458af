import os from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import type { Capabilities, CompileOptions } from '../../../execution/backend.ts';
import type { OnnxModel } from '../../../execution/lowering/onnx/onnx.ts';
import type { Findings } from '../../devices/findings.ts';
import { foundOut, type Gpu } from '../../devices/kernels.ts';
import { NodeBackend } from '../backend.ts';
import { describeMachine } from '../machine.ts';
import type { OrtProgramOptions } from '../program.ts';
import { DeviceReader } from './reader.ts';

/** Share of the machine's memory that counts as the device's if the system does not report how much it has. */
const UNKNOWN_SHARE = 0.5;
/** WGSL addresses 2 GiB of a binding, and DirectML as much of a tensor. */
const LARGEST_BUFFER = 2 ** 31;
/** Share of the device's memory that is used after it has run out. */
const SMALL_SHARE = 0.4;

interface DeviceOptions {
  threads?: number;
  /** Uses as little memory as possible. */
  small?: boolean;
}

/**
 * ONNX Runtime on a GPU. A driver can end or block the process: use it in a process of its own, on one thread, for one
 * run at a time.
 */
export class DeviceBackend extends NodeBackend {
  override readonly device: Gpu;
  override readonly can: Capabilities;
  override readonly machine;
  readonly #small: boolean;
  readonly #reader = new DeviceReader(() => this.providers());

  constructor(device: Gpu, findings: Findings, { threads, small = false }: DeviceOptions = {}) {
    super(threads);
    const { name, memoryBytes = UNKNOWN_SHARE * os.totalmem() } = findings;
    this.device = device;
    this.#small = small;
    this.machine = { ...describeMachine(), device: name };
    this.can = {
      ...foundOut(device, findings),
      memoryBytes: small ? SMALL_SHARE * memoryBytes : memoryBytes,
      ...(device !== 'cuda' && { largestBuffer: LARGEST_BUFFER }),
    };
    // Vulkan's loader needs this folder, which processes without a login session lack.
    if (process.platform === 'linux') process.env.XDG_RUNTIME_DIR ??= os.tmpdir();
  }

  /** What device and machine both have: weights pass through main memory when they are loaded. */
  override availableBytes(): number {
    return Math.min(this.can.memoryBytes, super.availableBytes());
  }

  protected override outcome({ keeps }: CompileOptions): OrtProgramOptions {
    return { onDevice: true, wholly: keeps !== undefined, read: (tensor) => this.#reader.read(tensor) };
  }

  protected override sessionOptions(
    { outputs = [] }: OnnxModel,
    { keeps }: CompileOptions,
  ): InferenceSession.SessionOptions {
    const kept = this.device === 'webgpu' && keeps ? outputs.filter((name) => keeps(name)) : [];
    if (kept.length === 0) return {};
    return { preferredOutputLocation: Object.fromEntries(kept.map((name) => [name, 'gpu-buffer' as const])) };
  }

  protected override providers(): InferenceSession.ExecutionProviderConfig[] {
    return providersOf(this.device, this.#small);
  }
}

/** The device first, then the processor for what has no kernel there. */
export function providersOf(device: Gpu, small = false): InferenceSession.ExecutionProviderConfig[] {
  if (device !== 'webgpu') return [{ name: device, deviceId: 0 }, 'cpu'];
  // Steps need buffers of the same sizes again and again. Kept buffers need no new allocation; freed ones can be used
  // by others.
  return [{ name: device, storageBufferCacheMode: small ? 'lazyRelease' : 'simple' }, 'cpu'];
}
