import type { Precision } from '../../shared/api.ts';
import type { Machine, OperatorTime } from '../../shared/benchmark/report.ts';
import type { Network } from '../graph/network.ts';
import type { DeviceTensor, Tensor } from '../graph/tensor.ts';
import type { Weights } from '../weights/table.ts';
import type { Form } from './forms/form.ts';

/** What a backend can compute. Lowerings ask before they emit an operator, the memory plan before a network is loaded. */
export interface Capabilities {
  /** Whether there is a kernel for an ONNX operator. `domain`: `com.microsoft`, or empty for ONNX's own. */
  operator(name: string, domain?: string): boolean;
  /** The newest ONNX operator set that it knows. */
  readonly opset: number;
  readonly precisions: readonly Precision[];
  /** Element types of the tensors that programs take and give. */
  readonly elements: readonly Tensor['type'][];
  /** Memory that networks are loaded into: the machine's, or a device's own, in bytes. */
  readonly memoryBytes: number;
}

export interface CompileOptions {
  /** Threads for one run; the backend's own number if absent or 0. */
  threads?: number;
  /** Times every operator; see `Program.profile`. Runs take a little longer. */
  profile?: boolean;
}

type Named<T> = Readonly<Record<string, T>>;

/** A network that is loaded in one form. One run at a time. */
export interface Program {
  /**
   * Computes the named outputs, or all. Tensors of other programs of the same backend are taken where they lie.
   * @throws Error if an input is missing or has another shape than the form says
   */
  run(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** The same; the outputs stay where they were computed, and the caller releases them. */
  runKept(
    inputs: Named<Tensor | DeviceTensor>,
    outputs?: readonly string[],
  ): Promise<Record<string, DeviceTensor>>;
  /** Of a program that was compiled with `profile`: ends the profile and gives the operators of each run so far. */
  profile?(): Promise<OperatorTime[][]>;
  /** Frees the memory of the weights. */
  release(): Promise<void>;
}

/** A model that was published as an ONNX file, read and checked by `lowering/onnx/onnx-file.ts`. */
export interface PublishedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** A folder that the files of its weights lie in or below. */
  readonly folder: string | undefined;
}

/** Seconds of 3×3 convolutions of typical sizes, by the form in which they are computed. */
export interface FormSpeed {
  /** Native float32 convolution. */
  planar: number;
  /** Float32 rows, gathered and multiplied. */
  rows: number;
  /** The same as int8. */
  int8: number;
}

/**
 * Where networks run. How a network becomes what the device understands is the backend's own business
 * (`lowering/` is shared by those that speak ONNX); everybody above speaks of networks, forms and programs.
 */
export interface Backend {
  readonly can: Capabilities;
  compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program>;
  open(model: PublishedModel, options?: CompileOptions): Promise<Program>;
  /** Threads for one run, where the caller does not say. */
  readonly threads: number;
  /** Memory that can be had now without taking it from others, in bytes. */
  availableBytes(): number;
  readonly machine: Machine;
  /** The most memory that this process has held so far, in bytes. */
  peakBytes(): number;
  /** The largest int8 that products compute exactly, found by computing the largest sum there is. */
  largestInt8(): Promise<number>;
  /** Which form is fast here: measured once and remembered. */
  formSpeed(): Promise<FormSpeed>;
}
