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
import { abortError } from '../engine/errors.ts';
import type { CallOptions } from '../shared/api.ts';
import { errorOf } from './engine/failure.ts';
import { type Method, received } from './engine/protocol.ts';
import { withLargePages } from './large-pages.ts';
import { libraryTrouble } from './native-libraries.ts';
import { PULSE_PATIENCE, PULSE_VARIABLE } from './pulse.ts';

export interface ChildOptions {
  /** The script of the process, e.g. dist/engine.mjs. */
  script: string;
  /** Its arguments, evaluated at every start. */
  args?: () => string[];
  /** Node's own flags for it; none by default. */
  execArgv?: string[];
  /** What to call it in sentences for the user. */
  title: string;
  /** Milliseconds that a cancelled call may take to stop before the process is ended (default 15 000). */
  cancelGrace?: number;
  /**
   * Milliseconds after which a cancelled call rejects though it has not stopped yet, as within a long step of a network
   * (default 800). Calls after it wait until it has.
   */
  cancelPatience?: number;
  /**
   * Milliseconds without a sign of life after which a process that has something to do is ended; 30 000 if absent. It
   * must call `beat`.
   */
  pulsePatience?: number;
  /** A line that the process wrote to stdout or stderr, or a note about its end. */
  onLog?: (line: string) => void;
}

/** V8 collects garbage on other threads while scripts run. In these processes that takes cores from a network's run. */
const GARBAGE_ON_OWN_THREAD = '--single-threaded-gc';

/** The process ended while a call was under way. */
export class EngineEndedError extends Error {
  override name = 'EngineEndedError';
}

/** The process ended while it was idle, before the call: another process can take the call. */
export class NotReceivedError extends EngineEndedError {}

/** Milliseconds that a process may take to exit cleanly. */
const END_GRACE = 2000;
/** How many times as long a process may take for its first sign of life. */
const STARTING = 4;
/** Milliseconds after its end in which its last messages may arrive. */
const LAST_WORDS = 500;

/** One process that answers calls, from its start to its end. */
export class ServedProcess {
  readonly #child: ChildProcess;
  readonly #connection: MessageConnection;
  readonly #cancelGrace: number;
  readonly #cancelPatience: number;
  readonly #log: (line: string) => void;
  readonly #title: string;
  /** Rejects when the process has ended. */
  readonly #end: Promise<never>;
  #closing: string | undefined;
  /** Whether it was ended because it gave no sign of life. */
  #stopped = false;
  /** Resolves when all that it wrote to stderr has been read. */
  readonly #lastError: Promise<void>;
  /** Why it could not load what it needs, in a sentence. */
  #trouble: string | undefined;
  #calls = 0;
  /** Calls under way, and whether the process has acknowledged them. */
  readonly #underWay = new Map<number, { came: boolean }>();
  ended = false;

  constructor(options: ChildOptions) {
    this.#title = options.title;
    this.#cancelGrace = options.cancelGrace ?? 15_000;
    this.#cancelPatience = options.cancelPatience ?? 800;
    this.#log = options.onLog ?? (() => {});
    this.#child = fork(options.script, options.args?.() ?? [], {
      execArgv: [GARBAGE_ON_OWN_THREAD, ...(options.execArgv ?? [])],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      // In desktop VS Code the parent is Electron, which runs scripts as Node only with this variable.
      env: withLargePages({ ...process.env, ELECTRON_RUN_AS_NODE: '1', [PULSE_VARIABLE]: '1' }),
    });
    this.#forward(this.#child.stdout);
    const errors = this.#forward(this.#child.stderr);
    errors?.on('line', (line) => {
      this.#trouble ??= libraryTrouble(line);
    });
    this.#lastError = new Promise((resolve) => errors?.once('close', resolve));
    this.#watch(this.#child.stdio[4] as Readable, options.pulsePatience ?? PULSE_PATIENCE);
    this.#end = this.#awaitEnd();
    // There may be no caller when it ends.
    this.#end.catch(() => {});
    this.#connection = createMessageConnection(
      new IPCMessageReader(this.#child),
      new IPCMessageWriter(this.#child),
    );
    // Writing to a process that has just ended fails here too; `#end` reports what happened.
    this.#connection.onError(([error]) => this.#log(`${this.#title}: ${error.message}`));
    this.#connection.onNotification(received, (call) => {
      const known = this.#underWay.get(call);
      if (known) known.came = true;
    });
    this.#connection.listen();
    this.#log(`${this.#title} ${this.#child.pid} started.`);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get usable(): boolean {
    return !this.ended && !this.#child.killed && this.#child.connected;
  }

  async call<Request, Progress, Result>(
    method: Method<Request, Progress, Result>,
    request: Request,
    { signal, onProgress }: CallOptions<Progress>,
  ): Promise<Result> {
    const call = ++this.#calls;
    const progressToken = onProgress && call;
    this.#underWay.set(call, { came: false });
    const progress = onProgress && this.#connection.onProgress(method.progress, progressToken!, onProgress);
    const cancellation = new CancellationTokenSource();
    const cancelled = new Deferred<never>();
    let patience: NodeJS.Timeout | undefined;
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      cancellation.cancel();
      patience = setTimeout(() => cancelled.reject(abortError()), this.#cancelPatience);
      grace = setTimeout(() => {
        this.#log(`${this.#title} ${this.pid} did not cancel within ${this.#cancelGrace} ms and is ended.`);
        this.#child.kill('SIGKILL');
        cancelled.reject(abortError());
      }, this.#cancelGrace);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const answer = this.#connection.sendRequest(
        method.request,
        { request, call, progressToken },
        cancellation.token,
      );
      // The process may continue for a while after the caller has learnt that the call is cancelled.
      const stopped = () => clearTimeout(grace);
      void Promise.race([answer, this.#end]).then(stopped, stopped);
      return await Promise.race([answer, this.#end, cancelled.promise]);
    } catch (error) {
      throw this.ended || !(error instanceof ResponseError) ? await this.#reasonOf(error) : errorOf(error);
    } finally {
      this.#underWay.delete(call);
      clearTimeout(patience);
      signal?.removeEventListener('abort', cancel);
      progress?.dispose();
      cancellation.dispose();
    }
  }

  /** Ends the process; calls under way reject with `reason`. */
  async end(reason: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#closing = reason;
    this.#child.kill(signal);
    // Busy processes do not handle messages.
    const force = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE);
    await this.#end.catch(() => {});
    clearTimeout(force);
  }

  /** Ends the process when it is stopped while calls are under way. */
  #watch(pulse: Readable, pulsePatience: number): void {
    let heard = Date.now();
    let looked = heard;
    // Starting takes long on a busy machine.
    let patience = STARTING * pulsePatience;
    pulse.on('data', () => {
      heard = Date.now();
      patience = pulsePatience;
    });
    pulse.on('error', () => {});
    const timer = setInterval(() => {
      const now = Date.now();
      // This process was busy or asleep itself, or there were no calls: messages that arrived have not been read yet.
      if (now - looked > pulsePatience / 2 || this.#underWay.size === 0) heard = now;
      looked = now;
      if (now - heard <= patience || this.ended) return;
      this.#log(`${this.#title} ${this.pid} gives no sign of life and is ended.`);
      this.#stopped = true;
      this.#child.kill('SIGKILL');
    }, pulsePatience / 6);
    timer.unref();
    this.#child.once('exit', () => {
      clearInterval(timer);
      pulse.destroy();
    });
  }

  #awaitEnd(): Promise<never> {
    return new Promise((_, reject) => {
      const finish = (message: string) => {
        this.ended = true;
        this.#log(message);
        this.#connection.dispose();
        const wasIdle = this.#closing === undefined && ![...this.#underWay.values()].some(({ came }) => came);
        reject(wasIdle ? new NotReceivedError(message) : new EngineEndedError(message));
      };
      this.#child.once('error', (error) => {
        // `error` is also sent when a kill or a message fails; the process has not ended then.
        if (this.#child.pid === undefined) finish(`${this.#title} could not be started: ${error.message}`);
      });
      this.#child.once('exit', async (code, signal) => {
        this.ended = true;
        if (this.#child.connected)
          await Promise.race([
            new Promise<void>((resolve) => this.#child.once('disconnect', resolve)),
            new Promise<void>((resolve) => setTimeout(resolve, LAST_WORDS)),
          ]);
        const lastWords = new Promise((resolve) => setTimeout(resolve, LAST_WORDS));
        if (code) await Promise.race([this.#lastError, lastWords]);
        const how = this.#stopped
          ? 'gave no sign of life and was ended'
          : signal
            ? `was ended by ${signal}`
            : `ended unexpectedly with exit code ${code}`;
        const what = this.#trouble
          ? `${this.#title} could not start. ${this.#trouble}`
          : `${this.#title} ${how}; the next request starts a fresh one.`;
        finish(this.#closing ?? what);
      });
    });
  }

  /** What to tell the caller: that the process ended, if that is why `error` came. */
  async #reasonOf(error: unknown): Promise<unknown> {
    if (error instanceof Error && error.name === 'AbortError') return error;
    const patience = new Promise<unknown>((resolve) => setTimeout(resolve, 1000, error));
    return await Promise.race([this.#end.catch((end: unknown) => end), patience]);
  }

  #forward(stream: Readable | null): readline.Interface | undefined {
    return stream ? readline.createInterface({ input: stream }).on('line', this.#log) : undefined;
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
