import * as ort from 'onnxruntime-web/wasm';
import packageJson from '../../../package.json' with { type: 'json' };
import { type DeviceId, PROCESSOR_PRECISIONS } from '../../../shared/api.ts';
import type { Machine } from '../../../shared/benchmark/report.ts';
import type { Capabilities, CompileOptions, Program, PublishedModel } from '../../execution/backend.ts';
import { PLANAR } from '../../execution/forms/form.ts';
import { OnnxBackend } from '../../execution/lowering/onnx-backend.ts';
import { NetworkBuilder } from '../../graph/network.ts';
import { contentsOf } from '../../host/web/fs.ts';
import { memoryBytes } from '../../host/web/machine.ts';
import { path } from '../../host/web/path.ts';
import { NO_WEIGHTS } from '../../weights/source.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { bytesFor } from './code.ts';
import { hasThreads, requireFeatures } from './features.ts';
import { bytesOnDemand } from './file-bytes.ts';
import { heapBytes, watchHeap } from './heap.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { withoutMemory } from './out-of-memory.ts';
import { WebProgram } from './program.ts';

export interface WebOptions {
  /** Of ort-wasm-simd-threaded.wasm: see `compiled`. */
  code: WebAssembly.Module;
  /** The text of ort-wasm-simd-threaded.mjs, which starts threads; without it there is one. */
  glue?: string;
  /** Of several workers that share a machine: its threads, and how many workers there are. */
  member?: { threads: number; of: number };
}

/** With more threads than this, small networks become slower. */
export const MOST_THREADS = 8;

/** ONNX Runtime compiled to WebAssembly. A run blocks its thread: use it in a worker. */
export class WebBackend extends OnnxBackend {
  readonly device: DeviceId = 'cpu';
  readonly can: Capabilities = {
    // The newest operators have no kernel in this build.
    operator: (name) => name !== 'TensorScatter',
    opset: 21,
    emulates: true,
    precisions: PROCESSOR_PRECISIONS,
    elements: ['float32', 'int8', 'int32', 'int64'],
    memoryBytes: memoryBytes(),
  };
  readonly threads: number;
  readonly machine: Machine;
  /** Bytes of the models that are loaded. */
  #loaded = 0;
  /** Workers that share the memory. */
  readonly #share: number;

  /** @throws InputError if the browser lacks what it needs */
  constructor({ code, glue, member = { threads: MOST_THREADS, of: 1 } }: WebOptions) {
    super();
    requireFeatures();
    watchHeap();
    const most = Math.min(navigator.hardwareConcurrency, MOST_THREADS, member.threads);
    this.threads = glue && hasThreads() ? most : 1;
    this.#share = member.of;
    this.machine = this.describe();
    ort.env.wasm.wasmBinary = bytesFor(code);
    ort.env.wasm.numThreads = this.threads;
    if (glue && this.threads > 1)
      ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([glue], { type: 'text/javascript' })) };
    ort.env.logLevel = 'error';
  }

  /** Where this runs, for reports. */
  protected describe(): Machine {
    return describeBrowser(this.threads);
  }

  availableBytes(): number {
    return Math.max(0, this.can.memoryBytes / this.#share - this.#loaded);
  }

  peakBytes(): number {
    return heapBytes();
  }

  load(model: PublishedModel, options: CompileOptions = {}): Promise<Program> {
    return oneAtATime(() => this.#load(model, options));
  }

  /** Starts the runtime, which takes a second, before the first model is loaded. */
  begin(): void {
    const builder = new NetworkBuilder();
    builder.output('y', builder.affine(builder.inputMap('x', 1, 0), 2, 0));
    const network = builder.build('the first network');
    // The first model meets the same error.
    this.compile(network, new WeightTable(network, NO_WEIGHTS), PLANAR).then(
      (program) => program.release(),
      () => {},
    );
  }

  /** Further options of a session. */
  protected sessionOptions(
    _model: PublishedModel,
    _options: CompileOptions,
  ): ort.InferenceSession.SessionOptions {
    return {};
  }

  async #load(model: PublishedModel, options: CompileOptions): Promise<Program> {
    const externalData = await filesOf(model);
    const bytes = externalData.reduce((sum, { data }) => sum + data.byteLength, model.bytes.length);
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model.bytes, {
        executionProviders: ['wasm'],
        graphOptimizationLevel: 'all',
        enableMemPattern: false,
        logSeverityLevel: 3,
        externalData,
        ...this.sessionOptions(model, options),
      });
    } catch (error) {
      throw withoutMemory(model.name, error);
    }
    this.#loaded += bytes;
    return new WebProgram(model.name, session, () => {
      this.#loaded -= bytes;
    });
  }
}

/** The files of a model's weights, as ONNX Runtime asks for them. */
async function filesOf({
  files = [],
  folder,
}: PublishedModel): Promise<{ path: string; data: Uint8Array }[]> {
  return Promise.all(
    files.map(async (location) => ({
      path: location,
      data: bytesOnDemand(await contentsOf(path.join(folder!, location))),
    })),
  );
}

function describeBrowser(threads: number): Machine {
  return {
    processor: `WebAssembly, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    cores: navigator.hardwareConcurrency,
    memoryBytes: memoryBytes(),
    platform: 'browser',
    versions: {
      patchwork: packageJson.version,
      onnxruntime: ort.env.versions.web ?? ort.env.versions.common,
    },
  };
}
