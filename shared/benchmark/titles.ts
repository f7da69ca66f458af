/** Rows, runs and machines in words. */
import type { BenchmarkReport, BenchmarkRow } from '../api.ts';

const CASES: Readonly<Record<string, string>> = {
  dense: 'Dense',
  rows: 'Rows, all active',
  sparse: 'Sparse',
  'sparse-exact': 'Sparse, float32 store',
  generate: 'Generate again',
  patch: 'Patch parallel',
  branches: 'Branches, then patches',
  naive: 'Patches alone (naive)',
  encode: 'Encode',
  'encode-part': 'Encode what changed',
  segment: 'Click',
};

export function caseTitle(name: string): string {
  return Object.hasOwn(CASES, name) ? CASES[name]! : name.charAt(0).toUpperCase() + name.slice(1);
}

/** What tells a row from the others of its report. */
export function rowTitle(row: BenchmarkRow, rows: readonly BenchmarkRow[]): string {
  const mixed = rows.some(({ precision }) => precision !== rows[0]!.precision);
  return [
    caseTitle(row.case),
    row.network,
    row.mask,
    mixed && row.precision,
    row.workers > 1 && `${row.workers} workers`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** `11.6 % computed`, or null where everything is. */
export function shareTitle({ activeFraction, mode }: BenchmarkRow): string | null {
  const share = activeFraction[0];
  return mode === 'dense' || share === undefined ? null : `${(100 * share).toFixed(1)} % computed`;
}

/** `sd15, 1024×512, one U-Net step` */
export function subjectTitle({
  model,
  width,
  height,
  steps,
  guidance,
}: Pick<BenchmarkReport, 'model' | 'width' | 'height' | 'steps' | 'guidance'>): string {
  const what = steps === null ? singleTitle(guidance) : `whole pictures of ${steps} steps`;
  return `${model}, ${width}×${height}, ${what}`;
}

/** @param guidance null where no U-Net runs */
function singleTitle(guidance: boolean | null): string {
  return guidance === null ? 'single runs' : `one U-Net step${guidance ? '' : ' without guidance'}`;
}

export function machineTitle({ machine, threads }: BenchmarkReport): string {
  const { processor, cores, memoryBytes, platform, versions } = machine;
  return [
    `${processor}, ${threads} of ${cores} threads, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    platform,
    `ONNX Runtime ${versions.onnxruntime}`,
    `Node ${versions.node}`,
    `Patchwork ${versions.patchwork}`,
  ].join(' · ');
}

/** `11.6×`, `150×` */
export function formatTimes(factor: number | null): string {
  if (factor === null) return '–';
  return `${factor >= 99.5 ? factor.toFixed(0) : factor >= 9.95 ? factor.toFixed(1) : factor.toFixed(2)}×`;
}

/** See `BenchmarkRow`. */
export function formatDecibels(psnr: number | null): string {
  return psnr === null ? '–' : `${psnr.toFixed(1)} dB`;
}

/** What a peak of memory is of. */
export function peakTitle({ isolated }: BenchmarkReport): string {
  return isolated ? 'Peak memory, alone' : 'Peak memory, all cases together';
}
