/**
 * What the engine process and its client say to each other: JSON-RPC requests over the IPC channel of
 * `child_process.fork` with `serialization: 'advanced'`, so that pictures travel as bytes.
 * A call is cancelled with JSON-RPC's `$/cancelRequest`.
 */
import { NotificationType, ProgressType, RequestType } from 'vscode-jsonrpc/node';
import type {
  BenchmarkProgress,
  BenchmarkRequest,
  BenchmarkResult,
  DescribeRequest,
  DescribeResult,
  EditProgress,
  EditRequest,
  EditResult,
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

/** The parameters of every request. */
export interface Call<Request> {
  request: Request;
  /** Tells it from the client's other calls. */
  call: number;
  /** Where progress reports go; none are sent without it. */
  progressToken?: number;
}

/** One of the engine's methods on the wire. */
export interface Method<Request, Progress, Result> {
  request: RequestType<Call<Request>, Result, FailureData>;
  progress: ProgressType<Progress>;
}

/** Process → client: a call has come. What is lost before can be asked for again. */
export const received = new NotificationType<number>('received');

/** For methods that report none. */
export function noProgress(): ProgressType<never> {
  return new ProgressType();
}

/** Client → process. */
export const generate: Method<GenerateRequest, GenerateProgress, GenerateResult> = {
  request: new RequestType('generate'),
  progress: new ProgressType(),
};

/** Client → process. */
export const edit: Method<EditRequest, EditProgress, EditResult> = {
  request: new RequestType('edit'),
  progress: new ProgressType(),
};

/** Client → process. */
export const segment: Method<SegmentRequest, never, SegmentResult> = {
  request: new RequestType('segment'),
  progress: new ProgressType(),
};

/** Client → process. */
export const findThings: Method<FindThingsRequest, FindThingsProgress, FindThingsResult> = {
  request: new RequestType('findThings'),
  progress: new ProgressType(),
};

/** Client → process. */
export const describe: Method<DescribeRequest, never, DescribeResult> = {
  request: new RequestType('describe'),
  progress: new ProgressType(),
};

/** Client → process. */
export const store: Method<null, never, StoreReport> = {
  request: new RequestType('store'),
  progress: noProgress(),
};

/** Client → process. */
export const benchmark: Method<BenchmarkRequest, BenchmarkProgress, BenchmarkResult> = {
  request: new RequestType('benchmark'),
  progress: new ProgressType(),
};

/** Travels with a failed call, so that the error keeps its class. */
export interface FailureData {
  name: string;
  stack?: string;
}

/** JSON-RPC error code of every failed call; `FailureData` says more. */
export const CALL_FAILED = -32000;
