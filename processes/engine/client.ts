import { abortError } from '../../engine/errors.ts';
import type {
  BenchmarkProgress,
  BenchmarkRequest,
  BenchmarkResult,
  CallOptions,
  DescribeRequest,
  DescribeResult,
  EditProgress,
  EditRequest,
  EditResult,
  Engine,
  FindThingsProgress,
  FindThingsRequest,
  FindThingsResult,
  GenerateProgress,
  GenerateRequest,
  GenerateResult,
  SegmentRequest,
  SegmentResult,
  StoreReport,
} from '../../shared/api.ts';
import { type ChildOptions, NotReceivedError, ServedProcess } from '../child.ts';
import { benchmark, describe, edit, findThings, generate, type Method, segment, store } from './protocol.ts';

/** The script, dist/engine.mjs, takes arguments; see process.ts. */
export type EngineProcessOptions = Omit<ChildOptions, 'title'>;

/**
 * The engine in a process of its own. The process starts with the first call, serves all of them,
 * and is replaced by a fresh one at the next call after it ended for whatever reason.
 */
export class EngineProcess implements Engine {
  readonly #options: EngineProcessOptions;
  #running: ServedProcess | undefined;

  constructor(options: EngineProcessOptions) {
    this.#options = options;
  }

  /** Process id of the engine, if one runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  generate(request: GenerateRequest, options?: CallOptions<GenerateProgress>): Promise<GenerateResult> {
    return this.#call(generate, request, options);
  }

  edit(request: EditRequest, options?: CallOptions<EditProgress>): Promise<EditResult> {
    return this.#call(edit, request, options);
  }

  segment(request: SegmentRequest, options?: CallOptions<never>): Promise<SegmentResult> {
    return this.#call(segment, request, options);
  }

  findThings(
    request: FindThingsRequest,
    options?: CallOptions<FindThingsProgress>,
  ): Promise<FindThingsResult> {
    return this.#call(findThings, request, options);
  }

  describe(request: DescribeRequest, options?: CallOptions<never>): Promise<DescribeResult> {
    return this.#call(describe, request, options);
  }

  store(): Promise<StoreReport> {
    return this.#call(store, null);
  }

  benchmark(request: BenchmarkRequest, options?: CallOptions<BenchmarkProgress>): Promise<BenchmarkResult> {
    return this.#call(benchmark, request, options);
  }

  async dispose(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.end('The engine was closed.');
  }

  async #call<Request, Progress, Result>(
    method: Method<Request, Progress, Result>,
    request: Request,
    options: CallOptions<Progress> = {},
  ): Promise<Result> {
    if (options.signal?.aborted) throw abortError();
    const idle = this.#running?.usable ? this.#running : undefined;
    try {
      return await (idle ?? this.#start()).call(method, request, options);
    } catch (error) {
      // It ended while it was idle, and that was not known yet.
      if (!idle || !(error instanceof NotReceivedError) || options.signal?.aborted) throw error;
      if (this.#running === idle) this.#running = undefined;
      return await (this.#running ?? this.#start()).call(method, request, options);
    }
  }

  #start(): ServedProcess {
    this.#running = new ServedProcess({ ...this.#options, title: 'The engine process' });
    return this.#running;
  }
}
