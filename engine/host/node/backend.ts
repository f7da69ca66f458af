import { readFileSync } from 'node:fs';
import os from 'node:os';
import * as ort from 'onnxruntime-node';
import { PRECISIONS } from '../../../shared/api.ts';
import type { OperatorTime } from '../../../shared/benchmark/report.ts';
import type { Capabilities, CompileOptions, Program } from '../../execution/backend.ts';
import type { OnnxModel } from '../../execution/lowering/onnx/onnx.ts';
import { OnnxBackend } from '../../execution/lowering/onnx-backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../../graph/tensor.ts';
import { describeMachine } from './machine.ts';
import { ProfileFolder } from './profile.ts';

/** ONNX Runtime on the processor. A run blocks the thread it is called on: use it in the engine process. */
export class NodeBackend extends OnnxBackend {
  readonly can: Capabilities = {
    operator: () => true,
    opset: 24,
    precisions: PRECISIONS,
    elements: ['float32', 'int8', 'int32', 'int64'],
    memoryBytes: os.totalmem(),
  };
  readonly threads: number;
  readonly machine = describeMachine();

  constructor(threads = 0) {
    super();
    this.threads = threads || os.availableParallelism();
  }

  availableBytes(): number {
    // macOS tells only what is not used at all, without what it would free at once.
    return process.platform === 'darwin' ? 0.7 * os.totalmem() : process.availableMemory();
  }

  peakBytes(): number {
    return 1024 * (highWaterMark() ?? process.resourceUsage().maxRSS);
  }

  async load(model: OnnxModel, options: CompileOptions = {}): Promise<Program> {
    const profile = options.profile ? await ProfileFolder.create() : undefined;
    const session = await ort.InferenceSession.create(model.bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: options.threads || this.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // With the pattern on, the first runs of every new shape pay seconds of page faults.
      enableMemPattern: false,
      ...(profile && { enableProfiling: true, profileFilePrefix: profile.prefix }),
      extra: {
        session: {
          // Between runs threads that wait for work would keep the cores from codecs and from this thread.
          force_spinning_stop: '1',
          ...(model.folder !== undefined && { model_external_initializers_file_folder_path: model.folder }),
        },
      },
    });
    return new NodeProgram(session, profile);
  }
}

/** Kilobytes, where the system tells: on Linux, `maxRSS` begins with what the process that forked this one held. */
function highWaterMark(): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes);
  } catch {
    return undefined;
  }
}

class NodeProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #profile: ProfileFolder | undefined;

  constructor(session: ort.InferenceSession, profile?: ProfileFolder) {
    this.#session = session;
    this.#profile = profile;
  }

  async run(inputs: Readonly<Record<string, Tensor | DeviceTensor>>, outputs?: readonly string[]) {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = toOrt(isHeld(tensor) ? tensor : (tensor as HeldTensor).value());
    const results = await this.#session.run(feeds, outputs ?? this.#session.outputNames);
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
  }

  async runKept(inputs: Readonly<Record<string, Tensor | DeviceTensor>>, outputs?: readonly string[]) {
    const results = Object.entries(await this.run(inputs, outputs));
    return Object.fromEntries(results.map(([name, tensor]) => [name, new HeldTensor(tensor)]));
  }

  async profile(): Promise<OperatorTime[][]> {
    this.#session.endProfiling();
    return (await this.#profile?.read()) ?? [];
  }

  async release(): Promise<void> {
    await this.#session.release();
    await this.#profile?.remove();
  }
}

/** The processor's own memory is the device's: nothing is copied. */
class HeldTensor implements DeviceTensor {
  readonly type: Tensor['type'];
  readonly dims: readonly number[];
  readonly byteLength: number;
  #tensor: Tensor | undefined;

  constructor(tensor: Tensor) {
    this.type = tensor.type;
    this.dims = tensor.dims;
    this.byteLength = tensor.data.byteLength;
    this.#tensor = tensor;
  }

  value(): Tensor {
    if (!this.#tensor) throw new Error('a tensor was read after it was released');
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return this.value();
  }

  release(): void {
    this.#tensor = undefined;
  }
}

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.type, tensor.data as never, [...tensor.dims]) as ort.Tensor;
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}
