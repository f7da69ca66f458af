import * as ort from 'onnxruntime-web/wasm';
import type { Machine } from '../../../shared/benchmark/report.ts';
import type { Capabilities, CompileOptions, Program, PublishedModel } from '../../execution/backend.ts';
import { memoryBytes } from '../../host/web/machine.ts';
import type { OpenedDevice } from '../devices/findings.ts';
import { foundOut } from '../devices/kernels.ts';
import { WebBackend, type WebOptions } from './backend.ts';

/** Share of the memory that a browser grants which is used after a GPU has run out. */
const SMALL_SHARE = 0.4;

/** What browsers give on every kind of GPU of the last years. */
const LARGEST_BUFFER = 2 ** 30;

/** ONNX Runtime on the browser's GPU, in a bundle whose runtime has WebGPU. A worker is for one device. */
export class GpuBackend extends WebBackend {
  override readonly device = 'webgpu';
  override readonly can: Capabilities;
  override readonly machine: Machine;
  readonly #small: boolean;
  #onLost: ((reason: string) => void) | undefined;

  /** @param onLost called with a sentence, in a task of its own, when the GPU is lost: nothing runs on it after that */
  constructor(
    options: WebOptions,
    { findings, small = false }: Omit<OpenedDevice, 'id'>,
    onLost?: (reason: string) => void,
  ) {
    super(options);
    this.#small = small;
    this.#onLost = onLost;
    this.machine = { ...this.describe(), device: findings.name };
    this.can = {
      ...foundOut('webgpu', findings),
      memoryBytes: (small ? SMALL_SHARE : 1) * memoryBytes(),
      largestBuffer: LARGEST_BUFFER,
    };
    ort.env.webgpu.powerPreference = 'high-performance';
  }

  override async load(model: PublishedModel, options?: CompileOptions): Promise<Program> {
    const program = await super.load(model, options);
    const onLost = this.#onLost;
    this.#onLost = undefined;
    if (onLost) void this.#watch(onLost);
    return program;
  }

  /** The runtime has made its device with the first session. */
  async #watch(onLost: (reason: string) => void): Promise<void> {
    const { lost } = (await ort.env.webgpu.device) as unknown as { lost: Promise<{ message: string }> };
    const { message } = await lost;
    setTimeout(() => onLost(`the browser lost its GPU${message ? `: ${message}` : ''}`));
  }

  protected override sessionOptions(
    { outputs = [] }: PublishedModel,
    { keeps }: CompileOptions,
  ): ort.InferenceSession.SessionOptions {
    const kept = keeps ? outputs.filter((name) => keeps(name)) : [];
    return {
      // As on the desktop; see host/node/devices/backend.ts.
      executionProviders: [
        { name: 'webgpu', storageBufferCacheMode: this.#small ? 'lazyRelease' : 'simple' },
        'wasm',
      ],
      ...(kept.length > 0 && {
        preferredOutputLocation: Object.fromEntries(kept.map((name) => [name, 'gpu-buffer' as const])),
      }),
    };
  }
}
