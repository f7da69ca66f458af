import * as ort from 'onnxruntime-web/wasm';
import packageJson from '../../../package.json' with { type: 'json' };
import { type DeviceId, PROCESSOR_PRECISIONS } from '../../../shared/api.ts';
import type { Machine } from '../../../shared/benchmark/report.ts';
import { InputError, messageOf } from '../../errors.ts';
import type { Capabilities, CompileOptions, Program, PublishedModel } from '../../execution/backend.ts';
import { OnnxBackend } from '../../execution/lowering/onnx-backend.ts';
import { blobOf } from './fs.ts';
import { heapBytes, watchHeap } from './heap.ts';
import { memoryBytes } from './machine.ts';
import { path } from './path.ts';
import { WebProgram } from './program.ts';

/** The longest ArrayBuffer that every browser makes, about 2 GB: so long may one file of weights be. */
const MAX_FILE = 0x7fe00000;

/** ONNX Runtime compiled to WebAssembly. A run blocks its thread: use it in a worker. */
export class WebBackend extends OnnxBackend {
  readonly device: DeviceId = 'cpu';
  readonly can: Capabilities = {
    // The newest operators have no kernel in this build.
    operator: (name) => name !== 'TensorScatter',
    opset: 21,
    precisions: PROCESSOR_PRECISIONS,
    elements: ['float32', 'int8', 'int32', 'int64'],
    memoryBytes: memoryBytes(),
  };
  readonly threads = 1;
  readonly machine = describeBrowser();
  /** Bytes of the models that are loaded. */
  #loaded = 0;
  /** Sessions are made one after another; see `ort.InferenceSession.create`. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param binary ort-wasm-simd-threaded.wasm. @throws InputError where the browser lacks what it needs */
  constructor(binary: ArrayBuffer) {
    super();
    requireFeatures();
    watchHeap();
    ort.env.wasm.wasmBinary = binary;
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
  }

  availableBytes(): number {
    return Math.max(0, this.can.memoryBytes - this.#loaded);
  }

  peakBytes(): number {
    return heapBytes();
  }

  async load(model: PublishedModel, _options: CompileOptions = {}): Promise<Program> {
    const made = this.#last.then(() => this.#load(model));
    this.#last = made.catch(() => {});
    return made;
  }

  async #load(model: PublishedModel): Promise<Program> {
    const externalData = await filesOf(model);
    const bytes = externalData.reduce((sum, { data }) => sum + data.byteLength, model.bytes.length);
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model.bytes, {
        executionProviders: ['wasm'],
        graphOptimizationLevel: 'all',
        enableMemPattern: false,
        externalData,
      });
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      throw new InputError(
        `${model.name} does not fit into the memory that this browser gives a page. Use a smaller model or precision, or Patchwork in VS Code on your machine.`,
        { cause: error },
      );
    }
    this.#loaded += bytes;
    return new WebProgram(session, () => {
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
    files.map(async (location) => {
      const file = path.join(folder!, location);
      const blob = await blobOf(file);
      if (blob.size > MAX_FILE)
        throw new InputError(
          `${file} has ${(blob.size / 1e9).toFixed(1)} GB; a browser reads files of at most 2 GB. Choose a model in smaller files, or half precision.`,
        );
      return { path: location, data: new Uint8Array(await blob.arrayBuffer()) };
    }),
  );
}

/** Each by a trial, never by the browser's name. */
function requireFeatures(): void {
  const missing = [
    ['WebAssembly with SIMD', typeof WebAssembly === 'object' && WebAssembly.validate(SIMD)],
    ['shared WebAssembly memory', hasSharedMemory()],
    ['OffscreenCanvas', typeof OffscreenCanvas === 'function'],
    ['createImageBitmap', typeof createImageBitmap === 'function'],
  ]
    .filter(([, has]) => !has)
    .map(([name]) => name);
  if (missing.length > 0)
    throw new InputError(
      `This browser lacks ${missing.join(', ')}, which Patchwork needs. Use a newer browser, or Patchwork in VS Code on your machine.`,
    );
}

/** The smallest module with a SIMD instruction: one that returns i32x4.splat(0). */
const SIMD = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0],
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b],
);

function hasSharedMemory(): boolean {
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return true;
  } catch {
    return false;
  }
}

function isOutOfMemory(error: unknown): boolean {
  return /bad_alloc|out of memory|failed to allocate|memory access out of bounds/i.test(messageOf(error));
}

function describeBrowser(): Machine {
  return {
    processor: 'WebAssembly, one thread',
    cores: navigator.hardwareConcurrency,
    memoryBytes: memoryBytes(),
    platform: 'browser',
    versions: {
      patchwork: packageJson.version,
      onnxruntime: ort.env.versions.web ?? ort.env.versions.common,
    },
  };
}
