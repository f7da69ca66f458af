import type { Machine, OperatorTime } from '../../shared/benchmark/report.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { OnnxModel } from './lowering/onnx/onnx.ts';

export interface LoadOptions {
  /** Threads for one run. */
  threads: number;
  /** Times every operator; see `Session.profile`. Runs take a little longer. */
  profile?: boolean;
}

/** A loaded network. One run at a time. */
export interface Session {
  run(inputs: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Of a session that was loaded with `profile`: ends the profile and gives the operators of each run so far. */
  profile?(): Promise<OperatorTime[][]>;
  /** Frees the memory of the weights. */
  release(): Promise<void>;
}

/** Where networks run: `runtime/node` or, later, `runtime/web`. */
export interface Runtime {
  load(model: OnnxModel, options: LoadOptions): Promise<Session>;
  /** Threads for one run, where the caller does not say. */
  readonly threads: number;
  /** Memory of the machine, in bytes. */
  readonly memoryBytes: number;
  /** Memory that can be had now without taking it from others, in bytes. */
  availableBytes(): number;
  readonly machine: Machine;
  /** The most memory that this process has held so far, in bytes. */
  peakBytes(): number;
}
