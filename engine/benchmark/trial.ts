import type { WorkerReport } from '../../shared/api.ts';
import type {
  BenchmarkRequest,
  BenchmarkRow,
  LayerError,
  RowIdentity,
} from '../../shared/benchmark/report.ts';
import type { MacCount } from '../graph/macs.ts';

/** Reports that `done` of `total` are done. */
export type Count = (done: number, total: number) => void;

/**
 * Cost of one run. Figures that a case gives here become fields of its row, so a new one needs no more code on the way.
 */
export type Cost = { macs: MacCount } & Partial<Omit<BenchmarkRow, `macs${string}` | keyof RowIdentity>>;

/** Distances from the dense float32 result, which may be infinite. */
export interface Quality {
  psnr: number;
  psnrWhole: number;
  /** Structural similarity, for whole images. */
  ssim?: number;
}

/** A prepared case. */
export interface Prepared {
  loadSeconds: number;
  /** Round 0 warms up. */
  run(round: number): Promise<Cost>;
  /**
   * Waits for background work of a run after its result, which is not timed. Resolves with the store's size in bytes.
   */
  settle?(): Promise<number>;
  /** Each worker's share of the last run, if there were several. */
  parts?: () => WorkerReport[];
  /** Quality of round 0's result against dense float32, computed after all rounds; null without a reference. */
  quality(): Promise<Quality | null>;
}

/** One row of a benchmark before it is run. */
export interface Trial {
  identity: RowIdentity;
  /** See `BenchmarkRow`. */
  picture: string | null;
  prepare(): Promise<Prepared>;
  /** A request that runs this row alone. */
  alone(): BenchmarkRequest;
}

/** Trials that share a model and its inputs. */
export interface Suite {
  model: string;
  width: number;
  height: number;
  /** See `BenchmarkReport`. */
  steps: number | null;
  /** See `BenchmarkReport`; as the request says if absent. */
  guidance?: null;
  trials: Trial[];
  /** Errors of single quantized layers, for denoiser runs. */
  layers?(most: number, onCount: Count): Promise<LayerError[]>;
  /** Pictures by name. */
  pictures(): Record<string, Uint8Array>;
  release(): Promise<void>;
}
