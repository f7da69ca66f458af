import type { AttentionMode, Precision } from '../arithmetic.ts';
import type { BusOptions, Coding, WorkerReport } from '../workers.ts';

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
  /** Of all cases but the reference, dense float32; `full` if absent. */
  attention?: AttentionMode;
  /** Cases that several workers share run once for each: 1 … 64, `[2]` if absent. `threads` is then each one's share. */
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
  /** Also the error that each layer makes when it alone is quantized, of at most so many layers: 1 … 10000. */
  layers?: number;
}

/** What quantizing one layer alone does to the output of a U-Net run. */
export interface LayerError {
  /** Name of its weight. */
  layer: string;
  precision: Precision;
  /** Of the output against float32's, in dB. */
  psnr: number;
  /** The layer is kept finer in this precision. */
  kept: boolean;
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
  /** `weights`: synthetic ones are written, counted in bytes; the other stages count cases, `measure` rounds. */
  stage: 'weights' | 'prepare' | 'measure' | 'profile' | 'isolate' | 'layers';
  done: number;
  total: number;
}

/** What tells one row from the others. */
export interface RowIdentity {
  case: string;
  /** The mask's name, for a case that takes one. */
  mask: string | null;
  mode: 'dense' | 'sparse';
  precision: Precision;
  /** `full` if absent. */
  attention?: AttentionMode;
  workers: number;
  /** What the case runs, where that is not the report's model. */
  network?: string;
}

export interface Timing {
  /** The first run, which is not counted. */
  warmUpSeconds: number;
  /** Each timed run. */
  seconds: number[];
  medianSeconds: number;
  minSeconds: number;
  maxSeconds: number;
}

/** One case's figures. */
export interface BenchmarkRow extends RowIdentity, Timing {
  macs: number;
  /** Of the U-Net by kind of operator; `other networks` is the rest of a whole picture. */
  macsByKind: Record<string, number>;
  /** Of the U-Net by level from the finest, `none` for what has no place in the picture. */
  macsByLevel: Record<string, number>;
  /** Share of the positions that are computed, level by level; empty where all are. */
  activeFraction: number[];
  loadSeconds: number;
  /** Median time of each denoising step of a whole picture. */
  stepSeconds: number[];
  /** Bytes of recorded features. */
  storeBytes: number;
  /** Bytes on disk of the weights that the U-Net reads; null of whole pictures. */
  diskBytes: number | null;
  /**
   * Most memory that the process has held, in bytes: with `isolated` a process that ran this case only, its own
   * preparation and recording included; otherwise one that ran all cases together, up to the end of the run.
   */
  peakBytes: number;
  /** Median time of the first row of the same network over this one's. */
  speedup: number;
  /**
   * Against the dense float32 result on the same input, in dB: under the mask if there is one. Null without it, and
   * where nothing differs.
   */
  psnr: number | null;
  /** The same over the whole picture. */
  psnrWhole: number | null;
  /** Structural similarity of whole pictures, −1 … 1 (Wang et al., 2004); null where psnr is, and of U-Net runs. */
  ssim: number | null;
  /** Name of the picture among the result's, of a whole one. */
  picture: string | null;
  /** What each worker did, in a run that several shared. */
  parts?: WorkerReport[];
  /** Where the time of one run goes, the longest first; empty without `profile`. */
  operators: OperatorTime[];
}

/** What `patchwork bench --json` prints. */
export interface BenchmarkReport {
  /** When it was finished, ISO 8601. */
  date: string;
  model: string;
  width: number;
  height: number;
  /** Denoising steps of whole pictures; null for single U-Net runs. */
  steps: number | null;
  /** U-Net runs compute both branches of guidance; null where only other networks run. */
  guidance: boolean | null;
  repeat: number;
  threads: number;
  isolated: boolean;
  machine: Machine;
  rows: BenchmarkRow[];
  /** The worst first, by precision; none unless asked for. */
  layers: LayerError[];
}

export interface BenchmarkResult {
  report: BenchmarkReport;
  /** PNG files of a whole benchmark: `original`, and those that rows name. */
  pictures: Record<string, Uint8Array>;
}

/** Kernels of one kind in one run. */
export interface OperatorTime {
  /** ONNX's name, e.g. `Conv`. */
  operator: string;
  calls: number;
  seconds: number;
  /** Runs on the processor, though the network runs on a GPU. */
  onProcessor?: true;
}

/** What a machine is, for those who read its figures elsewhere. */
export interface Machine {
  processor: string;
  /** Processors that the system shows. */
  cores: number;
  memoryBytes: number;
  /** Name of the GPU on which networks run; absent: on the processor. */
  device?: string;
  /** System and processor family, e.g. `linux x64`. */
  platform: string;
  /** `node`: absent in a browser. */
  versions: { patchwork: string; node?: string; onnxruntime: string };
}
