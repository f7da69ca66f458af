import { RequestType } from 'vscode-jsonrpc';
import type { Job, StepAnswer, StepCall } from '../../engine/parallel/job.ts';
import { type Method, noProgress } from '../engine/protocol.ts';

/** The requests to a worker, as JSON-RPC: over the IPC channel of `child_process.fork`, or a browser's messages. */
interface BeginCall {
  job: Job;
  /** Where the workers of this job exchange features: the name of a folder, or what their letters are marked with. */
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
