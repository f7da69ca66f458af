import {
  type CancellationToken,
  type HandlerResult,
  type MessageConnection,
  type RequestParam,
  ResponseError,
} from 'vscode-jsonrpc';
import { abortError } from '../../engine/errors.ts';
import {
  type CallOptions,
  ENGINE_CALLS,
  type Engine,
  type EngineCall,
  type SegmentRequest,
} from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { eitherSignal } from '../../shared/signals.ts';
import { failureOf } from './failure.ts';
import { CALL_FAILED, type Call, type FailureData, METHODS, type Method, received } from './protocol.ts';

/** Background calls, which any other call cancels: they record an image, or encode it for clicks that may come. */
function isInBackground(name: EngineCall, request: unknown): boolean {
  if (name !== 'segment') return name === 'prepareEdit';
  const { points = [], box } = request as SegmentRequest;
  return points.length === 0 && !box;
}

/** Answers the engine's calls on a connection, one after another. */
export function answerCalls(connection: MessageConnection, engine: Engine): void {
  const { turn, inBackground } = queue();
  for (const name of Object.keys(ENGINE_CALLS) as EngineCall[]) {
    const run = engine[name].bind(engine) as Run<unknown, never, unknown>;
    const method = METHODS[name] as Method<unknown, never, unknown>;
    answer(connection, method, (request, options) => {
      const inOrder = isInBackground(name, request) ? inBackground : turn;
      return inOrder(options, (signal) => run(request, { ...options, signal }));
    });
  }
}

type Run<Request, Progress, Result> = (request: Request, options: CallOptions<Progress>) => Promise<Result>;

export function answer<Request, Progress, Result>(
  connection: MessageConnection,
  method: Method<Request, Progress, Result>,
  run: Run<Request, Progress, Result>,
): void {
  connection.onRequest(method.request, async (call: Call<Request>, token: CancellationToken) => {
    void connection.sendNotification(received, call.call);
    const { request, progressToken } = call;
    const report = (progress: Progress) =>
      void connection.sendProgress(method.progress, progressToken!, progress as RequestParam<Progress>);
    try {
      const onProgress = progressToken === undefined ? undefined : report;
      const result = await run(request, { signal: signalOf(token), onProgress });
      return result as HandlerResult<Result, FailureData>;
    } catch (error) {
      return new ResponseError<FailureData>(CALL_FAILED, messageOf(error), failureOf(error));
    }
  });
}

/** Runs calls one after another, since they share the processor; a call cancelled while it waits never runs. */
export function queue() {
  let last: Promise<void> = Promise.resolve();
  let background: AbortController | undefined;
  const turn = <Result>(
    { signal }: Pick<CallOptions<never>, 'signal'>,
    run: () => Promise<Result>,
  ): Promise<Result> =>
    new Promise((resolve, reject) => {
      const leave = () => reject(abortError());
      if (signal?.aborted) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      last = last.then(async () => {
        signal?.removeEventListener('abort', leave);
        if (!signal?.aborted) await run().then(resolve, reject);
      });
    });
  return {
    turn<Result>(
      { signal }: Pick<CallOptions<never>, 'signal'>,
      run: (signal: AbortSignal | undefined) => Promise<Result>,
    ): Promise<Result> {
      background?.abort();
      return turn({ signal }, () => run(signal));
    },
    /** The same for background work, which any other call cancels. `run` gets the signal. */
    async inBackground<Result>(
      { signal }: Pick<CallOptions<never>, 'signal'>,
      run: (signal: AbortSignal | undefined) => Promise<Result>,
    ): Promise<Result> {
      background?.abort();
      const giveWay = new AbortController();
      background = giveWay;
      const either = eitherSignal(signal, giveWay.signal);
      try {
        return await turn({ signal: either }, () => run(either));
      } finally {
        if (background === giveWay) background = undefined;
      }
    },
  };
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
