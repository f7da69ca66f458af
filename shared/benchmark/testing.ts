import type { BenchmarkReport, BenchmarkRow, WorkerReport } from '../api.ts';
import type { StoredRun } from './protocol.ts';

/** A row as an engine gives it, for tests. */
export function row(change: Partial<BenchmarkRow> = {}): BenchmarkRow {
  return {
    case: 'dense',
    mask: null,
    mode: 'dense',
    precision: 'fp32',
    workers: 1,
    macs: 1000e9,
    macsByKind: { convolution: 600e9, linear: 400e9 },
    macsByLevel: { 0: 600e9, 1: 400e9 },
    activeFraction: [],
    loadSeconds: 12,
    warmUpSeconds: 3,
    seconds: [2, 4, 3],
    medianSeconds: 3,
    minSeconds: 2,
    maxSeconds: 4,
    stepSeconds: [],
    storeBytes: 0,
    peakBytes: 4e9,
    speedup: 1,
    psnr: null,
    psnrWhole: null,
    ssim: null,
    diskBytes: null,
    picture: null,
    operators: [{ operator: 'Conv', calls: 40, seconds: 2 }],
    ...change,
  };
}

export const SPARSE = row({
  case: 'sparse',
  mask: 'inpaint.active-64x128',
  mode: 'sparse',
  macs: 100e9,
  activeFraction: [0.1161],
  medianSeconds: 0.5,
  speedup: 6,
  storeBytes: 241e6,
  psnr: 28.04,
  psnrWhole: 31.96,
});

/** What one of two workers did of a picture of 64 × 64 latent positions. */
export function part(change: Partial<WorkerReport> = {}): WorkerReport {
  return {
    name: 'Worker 1',
    branch: null,
    axis: 'y',
    from: 0,
    to: 64,
    stepMacs: 250e9,
    macs: 6000e9,
    runSeconds: 1,
    seconds: 1.2,
    sentBytes: 1e6,
    receivedBytes: 2e6,
    ...change,
  };
}

/** A run of a dense and a sparse row. */
export function run(change: Partial<BenchmarkReport> = {}, rows = [row(), SPARSE]): StoredRun {
  const report: BenchmarkReport = {
    date: '2026-11-22T11:44:46.663Z',
    model: 'sd15',
    width: 1024,
    height: 512,
    steps: null,
    guidance: true,
    repeat: 3,
    layers: [],
    threads: 2,
    isolated: false,
    machine: {
      processor: 'Some "fast" processor, 3 GHz',
      cores: 4,
      memoryBytes: 2 ** 34,
      platform: 'linux x64',
      versions: { patchwork: '0.1.0', node: '20.20.2', onnxruntime: '1.30.0' },
    },
    rows,
    ...change,
  };
  return { id: '01234567-89ab-4cde-8f01-23456789abcd', report };
}
