import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { type DeviceId, PROCESSOR_PRECISIONS } from '../../../shared/api.ts';
import type { Capabilities, CompileOptions, Program } from '../../execution/backend.ts';
import type { OnnxModel } from '../../execution/lowering/onnx/onnx.ts';
import { OnnxBackend } from '../../execution/lowering/onnx-backend.ts';
import { coreCount, memoryBytes } from '../../host/node/limits.ts';
import { readBytes } from '../../read-bytes.ts';
import { describeMachine } from './machine.ts';
import { ProfileFolder } from './profile.ts';
import { OrtProgram, type OrtProgramOptions } from './program.ts';

/** ONNX Runtime on the processor. A run blocks the thread it is called on: use it in the engine process. */
export class NodeBackend extends OnnxBackend {
  readonly device: DeviceId = 'cpu';
  readonly can: Capabilities = {
    operator: () => true,
    opset: 24,
    precisions: PROCESSOR_PRECISIONS,
    elements: ['float32', 'int8', 'int32', 'int64'],
    memoryBytes: memoryBytes(),
  };
  readonly threads: number;
  readonly machine = describeMachine();

  constructor(threads = 0) {
    super();
    this.threads = threads || coreCount();
  }

  availableBytes(): number {
    // macOS reports unused memory only, without memory that it would free at once.
    return process.platform === 'darwin' ? 0.7 * os.totalmem() : process.availableMemory();
  }

  peakBytes(): number {
    return 1024 * (highWaterMark() ?? process.resourceUsage().maxRSS);
  }

  async load(model: OnnxModel, options: CompileOptions = {}): Promise<Program> {
    const profile = options.profile ? await ProfileFolder.create() : undefined;
    const session = await ort.InferenceSession.create(model.bytes, {
      executionProviders: this.providers(),
      intraOpNumThreads: options.threads || this.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // With the pattern on, the first runs of every new shape pay seconds of page faults.
      enableMemPattern: false,
      ...(profile && { enableProfiling: true, profileFilePrefix: profile.prefix }),
      ...(model.linked?.length && { externalData: await linkedFiles(model) }),
      extra: {
        session: {
          // Threads that spin between runs would take the cores from codecs and from this thread.
          force_spinning_stop: '1',
          ...(model.folder !== undefined && { model_external_initializers_file_folder_path: model.folder }),
        },
      },
      ...this.sessionOptions(model, options),
    });
    return new OrtProgram(session, { ...(profile && { profile }), ...this.outcome(options) });
  }

  /** How the results of a session come back. */
  protected outcome(_options: CompileOptions): OrtProgramOptions {
    return {};
  }

  /** Further options of a session. */
  protected sessionOptions(_model: OnnxModel, _options: CompileOptions): ort.InferenceSession.SessionOptions {
    return {};
  }

  /** Execution providers of a session's nodes, in order of preference. */
  protected providers(): ort.InferenceSession.ExecutionProviderConfig[] {
    return ['cpu'];
  }
}

/** The files of weights that ONNX Runtime does not open itself, as it asks for them. */
function linkedFiles({ linked = [], folder }: OnnxModel): Promise<{ path: string; data: Uint8Array }[]> {
  return Promise.all(
    linked.map(async (location) => ({
      path: location,
      data: await readBytes(path.join(folder!, location), 2 ** 31 - 1),
    })),
  );
}

/** Kilobytes, if the system reports it: on Linux, `maxRSS` begins with what the process that forked this one held. */
function highWaterMark(): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes);
  } catch {
    return undefined;
  }
}
