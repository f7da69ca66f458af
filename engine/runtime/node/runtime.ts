import os from 'node:os';
import * as ort from 'onnxruntime-node';
import type { OnnxModel } from '../../graph/onnx.ts';
import type { LoadOptions, Runtime, Session, Tensor } from '../runtime.ts';

/** ONNX Runtime on the processor. A run blocks the thread it is called on: use it in the engine process. */
export class NodeRuntime implements Runtime {
  readonly threads: number;
  readonly memoryBytes = os.totalmem();

  constructor(threads = 0) {
    this.threads = threads || os.availableParallelism();
  }

  peakBytes(): number {
    return process.resourceUsage().maxRSS * 1024;
  }

  async load(model: OnnxModel, options: LoadOptions): Promise<Session> {
    const session = await ort.InferenceSession.create(model.bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: options.threads || this.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // With the pattern on, the first runs of every new shape pay seconds of page faults.
      enableMemPattern: false,
      ...(options.profilePrefix && { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
      ...(model.folder !== undefined && {
        extra: { session: { model_external_initializers_file_folder_path: model.folder } },
      }),
    });
    return new NodeSession(session);
  }
}

class NodeSession implements Session {
  readonly #session: ort.InferenceSession;

  constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  async run(inputs: Readonly<Record<string, Tensor>>, outputs?: readonly string[]) {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toOrt(tensor);
    const results = await this.#session.run(feeds, outputs ?? this.#session.outputNames);
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.type, tensor.data as never, [...tensor.dims]) as ort.Tensor;
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}
