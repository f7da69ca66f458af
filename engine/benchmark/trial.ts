import type { WorkerReport } from '../../shared/api.ts';
import type { BenchmarkRequest, LayerError, RowIdentity } from '../../shared/benchmark/report.ts';
import type { MacCount } from '../graph/macs.ts';

/** Reports how many of `total` are done. */
export type Count = (done: number, total: number) => void;

/** What one run cost. */
export interface Cost {
  macs: MacCount;
  activeFraction: number[];
  storeBytes: number;
  /** See `BenchmarkRow`. */
  diskBytes: number | null;
  /** Of each denoising step, if there are any. */
  stepSeconds: number[];
}

export interface Quality {
  psnr: number;
  psnrWhole: number;
  /** Of whole pictures. */
  ssim?: number;
}

/** One case made ready. */
export interface Prepared {
  loadSeconds: number;
  /** Round 0 warms up. */
  run(round: number): Promise<Cost>;
  /** Waits for what a run leaves to be done after its result is out, which is not timed; gives the store's bytes. */
  settle?(): Promise<number>;
  /** What each worker did in the last run, where several shared it. */
  parts?: () => WorkerReport[];
  /** The result of round 0 against dense float32, after all rounds; null where there is nothing to compare with. */
  quality(): Promise<Quality | null>;
}

/** One row of a benchmark before it is run. */
export interface Trial {
  identity: RowIdentity;
  /** See `BenchmarkRow`. */
  picture: string | null;
  prepare(): Promise<Prepared>;
  /** The request that runs nothing but this. */
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
  /** The errors of layers that are quantized alone; of U-Net runs. */
  layers?(most: number, onCount: Count): Promise<LayerError[]>;
  /** Pictures by name. */
  pictures(): Record<string, Uint8Array>;
  release(): Promise<void>;
}
