import { type ChildProcess, fork } from 'node:child_process';
import readline from 'node:readline';
import type { Readable } from 'node:stream';
import {
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
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
} from '../../api.ts';
import { abortError, ForgottenError, InputError } from '../../errors.ts';
import {
  benchmark,
  describe,
  edit,
  type FailureData,
  findThings,
  generate,
  type Method,
  segment,
  store,
} from './protocol.ts';

export interface EngineProcessOptions {
  /** The script of the engine process, dist/engine.mjs. */
  script: string;
  /** Its arguments, asked for at every start; see process.ts. */
  args?: () => string[];
  /** Node's own flags for it; none by default. */
  execArgv?: string[];
  /** Milliseconds that a cancelled call may take to stop before the process is ended (default 15 000). */
  cancelGrace?: number;
  /** A line that the process wrote to stdout or stderr, or what became of the process. */
  onLog?: (line: string) => void;
}

/** The engine process ended while a call was under way. */
export class EngineEndedError extends Error {
  override name = 'EngineEndedError';
}

/**
 * The engine in a process of its own. The process starts with the first call, serves all of them,
 * and is replaced by a fresh one at the next call after it ended for whatever reason.
 */
export class EngineProcess implements Engine {
  readonly #options: EngineProcessOptions;
  #running: RunningEngine | undefined;

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
    if (!this.#running?.usable) this.#running = new RunningEngine(this.#options);
    return await this.#running.call(method, request, options);
  }
}

/** One process, from its start to its end. */
class RunningEngine {
  readonly #child: ChildProcess;
  readonly #connection: MessageConnection;
  readonly #cancelGrace: number;
  readonly #log: (line: string) => void;
  /** Rejects when the process has ended. */
  readonly #end: Promise<never>;
  #closing: string | undefined;
  #calls = 0;
  ended = false;

  constructor(options: EngineProcessOptions) {
    this.#cancelGrace = options.cancelGrace ?? 15_000;
    this.#log = options.onLog ?? (() => {});
    this.#child = fork(options.script, options.args?.() ?? [], {
      execArgv: options.execArgv ?? [],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // In desktop VS Code the parent is Electron, which runs scripts as Node only when told so.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    this.#forward(this.#child.stdout);
    this.#forward(this.#child.stderr);
    this.#end = this.#awaitEnd();
    // Nobody may be waiting when it ends.
    this.#end.catch(() => {});
    this.#connection = createMessageConnection(
      new IPCMessageReader(this.#child),
      new IPCMessageWriter(this.#child),
    );
    // Writing to a process that has just ended fails here too; `#end` tells what happened.
    this.#connection.onError(([error]) => this.#log(`Engine connection: ${error.message}`));
    this.#connection.listen();
    this.#log(`Engine process ${this.#child.pid} started.`);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get usable(): boolean {
    return !this.ended && !this.#child.killed;
  }

  async call<Request, Progress, Result>(
    method: Method<Request, Progress, Result>,
    request: Request,
    { signal, onProgress }: CallOptions<Progress>,
  ): Promise<Result> {
    const progressToken = onProgress && ++this.#calls;
    const progress = onProgress && this.#connection.onProgress(method.progress, progressToken!, onProgress);
    const cancellation = new CancellationTokenSource();
    const cancelled = new Deferred<never>();
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      cancellation.cancel();
      grace = setTimeout(() => {
        this.#log(`Engine process ${this.pid} did not cancel within ${this.#cancelGrace} ms and is ended.`);
        this.#child.kill('SIGKILL');
        cancelled.reject(abortError());
      }, this.#cancelGrace);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const answer = this.#connection.sendRequest(
        method.request,
        { request, progressToken },
        cancellation.token,
      );
      answer.catch(() => {});
      return await Promise.race([answer, this.#end, cancelled.promise]);
    } catch (error) {
      throw this.ended || !(error instanceof ResponseError) ? await this.#reasonOf(error) : errorOf(error);
    } finally {
      clearTimeout(grace);
      signal?.removeEventListener('abort', cancel);
      progress?.dispose();
      cancellation.dispose();
    }
  }

  /** Ends the process; calls under way reject with `reason`. */
  async end(reason: string): Promise<void> {
    this.#closing = reason;
    this.#child.kill();
    await this.#end.catch(() => {});
  }

  #awaitEnd(): Promise<never> {
    return new Promise((_, reject) => {
      const finish = (message: string) => {
        if (this.ended) return;
        this.ended = true;
        this.#log(message);
        this.#connection.dispose();
        reject(new EngineEndedError(message));
      };
      this.#child.once('error', (error) => {
        // `error` is also sent when a kill or a message fails; the process has not ended then.
        if (this.#child.pid === undefined)
          finish(`The engine process could not be started: ${error.message}`);
      });
      this.#child.once('exit', (code, signal) => {
        const how = signal ? `was ended by ${signal}` : `ended unexpectedly with exit code ${code}`;
        finish(this.#closing ?? `The engine process ${how}; the next request starts a fresh one.`);
      });
    });
  }

  /** What to tell the caller: that the process ended, if that is why `error` came. */
  async #reasonOf(error: unknown): Promise<unknown> {
    if (error instanceof Error && error.name === 'AbortError') return error;
    const patience = new Promise<unknown>((resolve) => setTimeout(resolve, 1000, error));
    return await Promise.race([this.#end.catch((end: unknown) => end), patience]);
  }

  #forward(stream: Readable | null): void {
    if (stream) readline.createInterface({ input: stream }).on('line', this.#log);
  }
}

class Deferred<T> {
  readonly promise: Promise<T>;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((_, reject) => {
      this.reject = reject;
    });
  }
}

/** The error that was thrown in the process, by its name. */
function errorOf(response: ResponseError<FailureData>): Error {
  const name = response.data?.name;
  if (name === 'InputError') return new InputError(response.message);
  if (name === 'ForgottenError') return new ForgottenError(response.message);
  if (name === 'AbortError') return abortError();
  const error = new Error(response.message);
  if (response.data?.stack) error.stack = response.data.stack;
  return error;
}
