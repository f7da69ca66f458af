import type { Engine } from '../api.ts';
import type { OnnxModel } from '../graph/onnx.ts';

/** What a network run takes and gives; row-major. */
export type Tensor =
  | { readonly type: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'int8'; readonly dims: readonly number[]; readonly data: Int8Array }
  | { readonly type: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array }
  | { readonly type: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array };

export interface LoadOptions {
  /** Threads for one run. */
  threads: number;
  /** Times every operator; see `Session.profile`. Runs take a little longer. */
  profile?: boolean;
}

/** Kernels of one kind in one run. */
export interface OperatorTime {
  /** ONNX's name, e.g. `Conv`. */
  operator: string;
  calls: number;
  seconds: number;
}

/** What a machine is, for those who read its figures elsewhere. */
export interface Machine {
  processor: string;
  /** Processors that the system shows. */
  cores: number;
  memoryBytes: number;
  /** System and processor family, e.g. `linux x64`. */
  platform: string;
  versions: { patchwork: string; node: string; onnxruntime: string };
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
  /** An engine in a process of its own, which the caller disposes of; where processes can be started. */
  startEngine?(): Engine;
}

export function float32(data: Float32Array, dims: readonly number[]): Tensor & { type: 'float32' } {
  return { type: 'float32', data, dims };
}

export function int64(data: BigInt64Array, dims: readonly number[]): Tensor {
  return { type: 'int64', data, dims };
}

/** The float32 data of a named output. */
export function floats(outputs: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.type !== 'float32') throw new Error(`the network gave no float32 output ${name}`);
  return tensor.data;
}
