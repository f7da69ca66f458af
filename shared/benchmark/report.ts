import type { AttentionMode, Precision } from '../arithmetic.ts';
import type { DeviceId } from '../devices.ts';
import type { BusOptions, Coding } from '../workers.ts';
import type { BenchmarkReport } from './schema.ts';

export type {
  BenchmarkReport,
  BenchmarkRow,
  LayerError,
  Machine,
  OperatorTime,
  RowIdentity,
  Timing,
} from './schema.ts';

/** What to measure: U-Net runs, or with `whole` all from the call to the picture. */
export interface BenchmarkRequest {
  /** Names of cases, in the order of the rows; the first row is what speed-ups are relative to. */
  cases: string[];
  /** A model folder, `scenes`, or an architecture with synthetic weights (`sd15`); the embedded model if absent. */
  model?: string;
  /**
   * What the cases of EfficientViT run: a segmenter's folder, or an architecture with synthetic weights
   * (`efficientvit-sam-l0`); the embedded segmenter if absent. It has a size of its own.
   */
  segmenter?: string;
  /** Pixels; the model's own size if absent. */
  width?: number;
  height?: number;
  /** Cases that take a mask run once for each. */
  masks?: BenchmarkMask[];
  /** Cases run once for each; `fp32` if absent. */
  precisions?: Precision[];
  /**
   * Devices on which all cases run, one device after the other, each in the precisions that it has; the chosen one if
   * absent. The first row of the first device is what speed-ups are relative to.
   */
  devices?: DeviceId[];
  /** Attention of all cases but the reference, dense float32; `full` if absent. */
  attention?: AttentionMode;
  /**
   * Cases that several workers share run once for each: 1 … 64, `[2]` if absent. `threads` is then each one's share.
   */
  workers?: number[];
  /** Where these cases find their workers, and how features travel; this machine's, as float32, if absent. */
  bus?: BusOptions;
  coding?: Coding;
  /** Timed runs of each case, after one for warming up: 1 … 1000, 5 if absent. */
  repeat?: number;
  /** U-Net runs of both branches of guidance; true if absent. Turbo and LCM models draw without. */
  guidance?: boolean;
  /** Threads for one network run; 0 or absent: as many as there are cores. */
  threads?: number;
  whole?: WholeOptions;
  /** Runs each case once more with ONNX Runtime's profile on, in sessions of its own. */
  profile?: boolean;
  /** Runs each case once more alone in a fresh process, for a peak of memory of its own. */
  isolate?: boolean;
  /** Also the error that each layer makes when it alone is quantized, of at most this many layers: 1 … 10000. */
  layers?: number;
}

/** What is computed: the white part of a picture file, or a centred rectangle with this share of the positions. */
export type BenchmarkMask = { name: string } & ({ image: Uint8Array } | { share: number });

export interface WholeOptions {
  /** What the picture shows, and what the edit paints. */
  prompt: string;
  editPrompt: string;
  /** Edits this picture file instead of one generated from `prompt`. */
  image?: Uint8Array;
  steps?: number;
  seed?: number;
  /** See `EditRequest`. */
  strength?: number;
  dilation?: number;
}

export interface BenchmarkProgress {
  /**
   * `weights`: synthetic ones are written, counted in bytes; the other stages count cases, `measure` rounds. `compare`:
   * results are compared with dense ones, some of which are computed for it.
   */
  stage: 'weights' | 'prepare' | 'measure' | 'compare' | 'profile' | 'isolate' | 'layers';
  done: number;
  total: number;
}

export interface BenchmarkResult {
  report: BenchmarkReport;
  /** PNG files of a whole benchmark: `original`, and those that rows name. */
  pictures: Record<string, Uint8Array>;
}
