import type { DeviceId, Precision } from '../../shared/api.ts';
import type { Machine, OperatorTime } from '../../shared/benchmark/report.ts';
import type { StepTimes } from '../../shared/devices.ts';
import type { Network } from '../graph/network.ts';
import type { DeviceTensor, Tensor } from '../graph/tensor.ts';
import type { Weights } from '../weights/weight-table.ts';
import type { Form } from './forms/form.ts';

/**
 * What a backend can compute. Lowerings ask before they emit an operator, the memory plan before a network is loaded.
 */
export interface Capabilities {
  /** Whether there is a kernel for an ONNX operator. `domain`: `com.microsoft`, or empty for ONNX's own. */
  operator(name: string, domain?: string): boolean;
  /** Newest ONNX operator set that it supports. */
  readonly opset: number;
  /** Whether rows can be gathered from tables stored in half precision (default true). */
  readonly readsHalf?: boolean;
  /**
   * How many channels a convolution has to read for its result to be right (default: those that there are). Those added
   * are zeros.
   */
  readonly readChannels?: (channels: number) => number;
  /**
   * Whether machine code is emulated, as in WebAssembly: products of bytes are exact there, but no faster (default
   * false).
   */
  readonly emulates?: boolean;
  readonly precisions: readonly Precision[];
  /** Element types of the inputs and outputs of programs. */
  readonly elements: readonly DeviceTensor['type'][];
  /** Memory for networks in bytes: the machine's, or the device's own. */
  readonly memoryBytes: number;
  /** Most bytes of one value; absent: bounded by the memory only. */
  readonly largestBuffer?: number;
  /** Measured when the device was tried; absent: edits compute rows. */
  readonly convolutions?: readonly ConvolutionTimes[];
  /** Measured when the device was tried, for the default precision. */
  readonly steps?: StepTimes;
}

/** Seconds of a 3×3 convolution by as many channels, for each position that it computes. */
export interface ConvolutionTimes {
  channels: number;
  /** Of rows that are gathered and multiplied. */
  rows: number;
  /** As a native convolution of the rectangle around them. */
  rectangle: number;
}

/** Whether a backend multiplies bytes. Where it does not, int8 weights save memory only. */
export function hasByteProducts({ operator }: Pick<Capabilities, 'operator'>): boolean {
  return operator('MatMulIntegerToFloat', 'com.microsoft');
}

export interface CompileOptions {
  /** Products in float16; see `Capabilities.precisions`. */
  half?: boolean;
  /** Threads for one run; the backend's default if absent or 0. */
  threads?: number;
  /** Which outputs stay on the device when `runKept` asks for them; none if absent. */
  keeps?: (output: string) => boolean;
  /** Times every operator; see `Program.profile`. Runs take a little longer. */
  profile?: boolean;
}

type Named<T> = Readonly<Record<string, T>>;

/** A network loaded in one form. One run at a time. */
export interface Program {
  /**
   * Computes the named outputs, or all. Device tensors of other programs of the same backend are not copied.
   * @throws Error if an input is missing or does not have the form's shape
   */
  run(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** As `run`, but the outputs stay on the device. The caller releases them. */
  runKept(
    inputs: Named<Tensor | DeviceTensor>,
    outputs?: readonly string[],
  ): Promise<Record<string, DeviceTensor>>;
  /** Ends the profile of a program compiled with `profile`. Resolves with the operators of each run so far. */
  profile?(): Promise<OperatorTime[][]>;
  /** Frees the memory of the weights. */
  release(): Promise<void>;
}

/** A model that was published as an ONNX file, read and checked by `lowering/onnx/onnx-file.ts`. */
export interface PublishedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Folder that contains the files of its weights. */
  readonly folder: string | undefined;
  /** The files of its weights, relative to `folder`, with slashes. */
  readonly files: readonly string[];
  /** Of these, the ones whose links leave `folder`. ONNX Runtime does not follow them, so it is handed their bytes. */
  readonly linked?: readonly string[];
  /** Names of its outputs, where they are known. */
  readonly outputs?: readonly string[];
}

/** Seconds of 3×3 convolutions of typical sizes, in each form. */
export interface FormSpeed {
  /** Native float32 convolution. */
  planar: number;
  /** Float32 rows, gathered and multiplied. */
  rows: number;
  /** Int8 rows. */
  int8: number;
}

/**
 * Where networks run. Callers pass networks and forms and get programs; how a network is translated for the device is
 * private to the backend. Backends that use ONNX share `lowering/`.
 */
export interface Backend {
  readonly device: DeviceId;
  readonly can: Capabilities;
  compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program>;
  open(model: PublishedModel, options?: CompileOptions): Promise<Program>;
  /** Default number of threads for one run. */
  readonly threads: number;
  /** Free memory in bytes. */
  availableBytes(): number;
  readonly machine: Machine;
  /** Memory peak of this process so far, in bytes. */
  peakBytes(): number;
  /** Largest int8 weight with which products are exact, found by computing the largest possible sum. */
  largestInt8(): Promise<number>;
  /** Speed of each form on this machine, measured once and stored. */
  formSpeed(): Promise<FormSpeed>;
}
