import { RequestType } from 'vscode-jsonrpc/node';
import type { Job, StepAnswer, StepCall } from '../../engine/parallel/job.ts';
import { type Method, noProgress } from '../engine/protocol.ts';

/** The requests to a worker process, as JSON-RPC over the IPC channel of `child_process.fork`. */
interface BeginCall {
  job: Job;
  /** The folder through which the workers of this job exchange features. */
  mail: string;
}

export const begin: Method<BeginCall, never, number> = {
  request: new RequestType('begin'),
  progress: noProgress(),
};

export const step: Method<StepCall, never, StepAnswer> = {
  request: new RequestType('step'),
  progress: noProgress(),
};

export const keep: Method<{ job: string; picture: string }, never, null> = {
  request: new RequestType('keep'),
  progress: noProgress(),
};

export const end: Method<string, never, null> = {
  request: new RequestType('end'),
  progress: noProgress(),
};
