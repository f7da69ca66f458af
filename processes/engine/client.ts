import { abortError } from '../../engine/errors.ts';
import {
  type CallOptions,
  ENGINE_CALLS,
  type Engine,
  type EngineCall,
  type EngineCalls,
} from '../../shared/api.ts';
import { type ChildOptions, NotReceivedError, ServedProcess } from '../child.ts';
import { METHODS, type Method } from './protocol.ts';

/** The script, dist/engine.mjs, takes arguments; see process.ts. */
type EngineProcessOptions = Omit<ChildOptions, 'title'>;

/** The engine in a process of its own. */
export interface EngineProcess extends Engine {
  /** Process id of the engine, if one runs. */
  readonly pid: number | undefined;
}

/**
 * An engine whose process starts with the first call, serves all of them, and is replaced by a fresh one at the next
 * call after it ended for whatever reason.
 */
export function engineProcess(options: EngineProcessOptions): EngineProcess {
  const process = new ReplacedProcess(options);
  const names = Object.keys(ENGINE_CALLS) as EngineCall[];
  const calls = names.map((name) => {
    const method = METHODS[name] as Method<unknown, never, unknown>;
    return [
      name,
      (request: unknown, given?: CallOptions<never>) => process.call(method, request ?? null, given),
    ] as const;
  });
  return {
    ...(Object.fromEntries(calls) as EngineCalls),
    get pid() {
      return process.pid;
    },
    dispose: () => process.end(),
  };
}

class ReplacedProcess {
  readonly #options: EngineProcessOptions;
  #running: ServedProcess | undefined;

  constructor(options: EngineProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  async end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.end('The engine was closed.');
  }

  async call<Request, Progress, Result>(
    method: Method<Request, Progress, Result>,
    request: Request,
    options: CallOptions<Progress> = {},
  ): Promise<Result> {
    if (options.signal?.aborted) throw abortError();
    const idle = this.#running?.usable ? this.#running : undefined;
    try {
      return await (idle ?? this.#start()).call(method, request, options);
    } catch (error) {
      // It ended while it was idle, which had not been noticed yet.
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
