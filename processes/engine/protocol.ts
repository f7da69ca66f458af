/**
 * The protocol between the engine process and its client: JSON-RPC requests over the IPC channel of
 * `child_process.fork` with `serialization: 'advanced'`, so that pictures travel as bytes. A call is cancelled with
 * JSON-RPC's `$/cancelRequest`.
 */
import { NotificationType, ProgressType, RequestType } from 'vscode-jsonrpc';
import { type CallOptions, ENGINE_CALLS, type EngineCall, type EngineCalls } from '../../shared/api.ts';

/** The parameters of every request. */
export interface Call<Request> {
  request: Request;
  /** Distinguishes it from the client's other calls. */
  call: number;
  /** Where progress reports go; none are sent without it. */
  progressToken?: number;
}

/** One of the engine's methods on the wire. */
export interface Method<Request, Progress, Result> {
  request: RequestType<Call<Request>, Result, FailureData>;
  progress: ProgressType<Progress>;
}

/** Process → client: a call has arrived. Calls that are lost before can be repeated. */
export const received = new NotificationType<number>('received');

/** For methods that report none. */
export function noProgress(): ProgressType<never> {
  return new ProgressType();
}

/** Client → process: the methods of the engine's calls. */
export const METHODS = Object.fromEntries(
  Object.keys(ENGINE_CALLS).map((name) => [
    name,
    { request: new RequestType(name), progress: new ProgressType() },
  ]),
) as unknown as {
  [Name in EngineCall]: EngineCalls[Name] extends (
    request: infer Request,
    options?: CallOptions<infer Progress>,
  ) => Promise<infer Result>
    ? Method<Request, Progress, Result>
    : never;
};

/** Travels with a failed call, so that the error keeps its class. */
export interface FailureData {
  name: string;
  stack?: string;
  /** The setting of an `InputError`. */
  setting?: string;
}

/** JSON-RPC error code of every failed call; `FailureData` says more. */
export const CALL_FAILED = -32000;
