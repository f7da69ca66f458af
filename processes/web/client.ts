import {
  BrowserMessageReader,
  BrowserMessageWriter,
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/browser';
import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import { hasThreads } from '../../engine/backends/web/features.ts';
import { isOutOfMemory } from '../../engine/backends/web/out-of-memory.ts';
import { abortError, InputError } from '../../engine/errors.ts';
import {
  type CallOptions,
  ENGINE_CALLS,
  type Engine,
  type EngineCall,
  type EngineCalls,
} from '../../shared/api.ts';
import type { DeviceId } from '../../shared/devices.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { errorOf } from '../engine/failure.ts';
import { METHODS, type Method } from '../engine/protocol.ts';
import type { ResourceAnswer, ResourceRequest, Start, Started } from './start.ts';

/** Milliseconds that a worker may take to start: the browser may have to compile megabytes. */
const START_PATIENCE = 120_000;

export interface WorkerOptions {
  /** The text of the engine's script: see `engineScript`. */
  script: (id: DeviceId) => Promise<string>;
  start: (id: DeviceId) => Promise<Omit<Start, 'device'>>;
  /** Reads a file of the embedded models. */
  resource: (place: string) => Promise<Uint8Array>;
  onLog?: (line: string) => void;
  /** Milliseconds that a cancelled call may take to stop before the worker is ended (default 15 000). */
  cancelGrace?: number;
  /** Milliseconds after which a cancelled call rejects though it has not stopped yet (default 800). */
  cancelPatience?: number;
}

/** The engine in a worker. */
export interface EngineWorker extends Engine {
  readonly running: boolean;
}

/**
 * An engine whose worker starts with the first call, serves all of them, and is replaced by a fresh one at the next
 * call after it ended, which it does when a call cannot be cancelled.
 */
export function engineWorker(options: WorkerOptions, device: OpenedDevice = PROCESSOR): EngineWorker {
  let current: Promise<ServedWorker> | undefined;
  const end = () => {
    const ending = current;
    current = undefined;
    void ending?.then(
      (worker) => worker.end('The engine was closed.'),
      () => {},
    );
  };
  const running = (): Promise<ServedWorker> => {
    current ??= ServedWorker.start(options, device, () => {
      current = undefined;
    }).catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  };
  const names = Object.keys(ENGINE_CALLS) as EngineCall[];
  const calls = names.map((name) => {
    const method = METHODS[name] as Method<unknown, never, unknown>;
    return [
      name,
      async (request: unknown, given: CallOptions<never> = {}) => {
        if (given.signal?.aborted) throw abortError();
        return (await running()).call(method, request ?? null, given);
      },
    ] as const;
  });
  return {
    ...(Object.fromEntries(calls) as EngineCalls),
    get running() {
      return current !== undefined;
    },
    dispose: async () => end(),
  };
}

export const PROCESSOR: OpenedDevice = { id: 'cpu', findings: { name: 'the processor', wrong: [] } };

/** One worker that answers calls, from its start to its end. */
export class ServedWorker {
  readonly #worker: Worker;
  readonly connection: MessageConnection;
  readonly #options: WorkerOptions;
  readonly #onEnd: () => void;
  readonly #ending = new Set<(error: Error) => void>();
  #calls = 0;

  private constructor(worker: Worker, options: WorkerOptions, onEnd: () => void) {
    this.#worker = worker;
    this.#options = options;
    this.#onEnd = onEnd;
    worker.onerror = (event) =>
      this.end(`The engine ended: ${event.message}; the next request starts a fresh one.`);
    this.connection = createMessageConnection(
      new BrowserMessageReader(worker),
      new BrowserMessageWriter(worker),
    );
    this.connection.listen();
  }

  static async start(options: WorkerOptions, device: OpenedDevice, onEnd: () => void): Promise<ServedWorker> {
    const { id } = device;
    const reading = options.start(id);
    reading.catch(() => {});
    const script = await options.script(id);
    // Scripts of another origin cannot be a worker, and VS Code gives those of extensions one.
    const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(address);
    let late: ReturnType<typeof setTimeout> | undefined;
    try {
      const started = await new Promise<Started>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(`The engine could not be started: ${message}.`));
        // The browser reads the script meanwhile.
        reading.then((start) => {
          late = setTimeout(
            () => reject(new Error('The engine could not be started: it does not answer.')),
            START_PATIENCE,
          );
          const own = id === 'cpu' && !start.member && hasThreads() ? { script } : {};
          worker.postMessage({ ...start, ...own, device } satisfies Start, [
            servedResources(options.resource),
          ]);
        }, reject);
      });
      if ('error' in started) throw new InputError(started.error);
      worker.onmessage = null;
      const where = started.keepsFiles ? 'in the storage of this site' : 'in memory, until the window closes';
      options.onLog?.(`The engine has started. It keeps files ${where}.`);
      return new ServedWorker(worker, options, onEnd);
    } catch (error) {
      worker.terminate();
      throw error;
    } finally {
      clearTimeout(late);
      URL.revokeObjectURL(address);
    }
  }

  async call<Request, Progress, Result>(
    method: Method<Request, Progress, Result>,
    request: Request,
    { signal, onProgress }: CallOptions<Progress>,
  ): Promise<Result> {
    if (signal?.aborted) throw abortError();
    const { cancelGrace = 15_000, cancelPatience = 800 } = this.#options;
    const call = ++this.#calls;
    const progressToken = onProgress && call;
    const progress = onProgress && this.connection.onProgress(method.progress, call, onProgress);
    const cancellation = new CancellationTokenSource();
    let patience: ReturnType<typeof setTimeout> | undefined;
    let grace: ReturnType<typeof setTimeout> | undefined;
    let reject: (error: Error) => void = () => {};
    const interrupted = new Promise<never>((_, rejected) => {
      reject = rejected;
    });
    const cancel = () => {
      cancellation.cancel();
      patience = setTimeout(() => reject(abortError()), cancelPatience);
      grace = setTimeout(() => this.end('The engine did not stop and was ended.'), cancelGrace);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.#ending.add(reject);
    try {
      const message = { request, call, progressToken };
      const answer = this.connection.sendRequest(method.request, message, cancellation.token);
      const stopped = () => clearTimeout(grace);
      answer.then(stopped, stopped);
      return await Promise.race([answer, interrupted]);
    } catch (error) {
      const failure = error instanceof ResponseError ? errorOf(error) : error;
      if (isOutOfMemory(failure))
        this.end('The engine ran out of memory; the next request starts a fresh one.');
      throw failure;
    } finally {
      this.#ending.delete(reject);
      clearTimeout(patience);
      signal?.removeEventListener('abort', cancel);
      progress?.dispose();
      cancellation.dispose();
    }
  }

  /** Ends the worker; calls under way reject with `reason`. */
  end(reason: string): void {
    this.#worker.terminate();
    // Before the connection rejects them with words of its own.
    for (const reject of this.#ending) reject(new Error(reason));
    this.connection.dispose();
    this.#options.onLog?.(reason);
    this.#onEnd();
  }
}

/** The end of a port for the worker, at whose other end files are read. */
function servedResources(read: WorkerOptions['resource']): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = async ({ data: { id, place } }: MessageEvent<ResourceRequest>) => {
    try {
      const bytes = new Uint8Array(await read(place));
      port1.postMessage({ id, bytes } satisfies ResourceAnswer, [bytes.buffer]);
    } catch (error) {
      port1.postMessage({ id, error: messageOf(error) } satisfies ResourceAnswer);
    }
  };
  return port2;
}
