import type { Coding } from './codings.ts';

export type { WorkerReport } from './benchmark/schema.ts';
export type { Coding } from './codings.ts';

/**
 * How several workers divide a picture's steps. `displaced`: each reads the others' features of the step before;
 * `synchronous`: every step is as exact as one worker's, and as slow; `naive`: bands exchange nothing.
 */
export const PARALLEL_MODES = ['displaced', 'synchronous', 'naive'] as const;
export type ParallelMode = (typeof PARALLEL_MODES)[number];

/** Whether branches of guidance go to workers of their own before the picture is cut into bands. */
export const SPLITS = ['auto', 'bands'] as const;
export type Split = (typeof SPLITS)[number];

/** How a picture is divided over workers; absent fields have defaults. */
export interface PatchOptions {
  mode?: ParallelMode;
  /** Dense steps at the start of a picture, 0 … 150; displaced bands need one at least. */
  warmUp?: number;
  /** How features travel between workers. */
  coding?: Coding;
  split?: Split;
}

/** A NATS server by which workers on other machines are found. */
export interface BusOptions {
  /** `nats://HOST:PORT`, or `tls://…` for an encrypted connection; may hold user and password. */
  url: string;
  /**
   * A file with the password of the address's user; else the environment variable PATCHWORK_BUS_PASSWORD may hold it.
   */
  passwordFile?: string;
  /** A NATS credentials file. */
  credentials?: string;
  /** A file with the certificate of the authority that the server's is signed by. */
  authority?: string;
}
