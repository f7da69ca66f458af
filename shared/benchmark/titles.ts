/** Rows, runs and machines in words. */
import type { BenchmarkReport, BenchmarkRow } from '../api.ts';
import { capitalized } from '../capitalized.ts';
import { DEVICE_PROVIDERS } from '../devices.ts';
import { modelTitle } from '../modelTitle.ts';

/** What each mode is called, and what it does. */
const CASES: Readonly<Record<string, { title: string; about: string }>> = {
  dense: { title: 'Dense', about: 'Computes everything: the baseline.' },
  rows: {
    title: 'Sparse kernels, full mask (overhead)',
    about: 'Computes everything with the kernels of sparse edits: what they cost by themselves.',
  },
  sparse: {
    title: 'Sparse',
    about: 'Computes the masked area only and reuses recorded features for the rest.',
  },
  'sparse-exact': {
    title: 'Sparse, float32 features',
    about: 'The same with features recorded at full precision: more memory, more exact.',
  },
  generate: {
    title: 'Single worker (baseline)',
    about: 'Generates the image again, as if nothing had been computed before.',
  },
  patch: {
    title: 'Patch parallel',
    about: 'Workers compute one band of the image each and exchange features, one step late.',
  },
  branches: {
    title: 'Guidance branches, then patches',
    about: 'The same, with prompt and negative prompt on workers of their own first.',
  },
  naive: {
    title: 'Independent patches',
    about: 'Bands that know nothing of each other: fast, but with seams.',
  },
  ...Object.fromEntries(
    [70, 50, 40, 20].flatMap((percent) => [
      [
        `budget-${percent}`,
        {
          title: `Budget ${percent} %`,
          about: `Generates the image for ${percent} % of the operations, by the best plan that was measured.`,
        },
      ],
      [
        `steps-${percent}`,
        {
          title: `${percent} % on plain steps`,
          about: 'The control: as many operations on fewer steps, each in full.',
        },
      ],
    ]),
  ),
  encode: { title: 'Encode', about: 'Runs the encoder of the object selector on the whole image.' },
  'encode-part': {
    title: 'Re-encode changed area',
    about: 'Runs it only where the image has changed since it was encoded.',
  },
  segment: { title: 'Selector: one click', about: 'Turns one click into a mask, on an encoded image.' },
};

export function caseTitle(name: string): string {
  return Object.hasOwn(CASES, name) ? CASES[name]!.title : capitalized(name);
}

/** What a mode does, in one sentence; empty for one that is not known. */
export function caseAbout(name: string): string {
  return Object.hasOwn(CASES, name) ? CASES[name]!.about : '';
}

/** A title that distinguishes a row from the others of its report. */
export function rowTitle(row: BenchmarkRow, rows: readonly BenchmarkRow[]): string {
  const mixed = rows.some(({ precision }) => precision !== rows[0]!.precision);
  return [
    caseTitle(row.case),
    row.network,
    row.mask,
    mixed && row.precision,
    row.device && DEVICE_PROVIDERS[row.device],
    row.workers > 1 && `${row.workers} workers`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** `11.6 % computed`, or null if everything is. */
export function shareTitle({ activeFraction, mode }: BenchmarkRow): string | null {
  const share = activeFraction[0];
  return mode === 'dense' || share === undefined ? null : `${(100 * share).toFixed(1)} % computed`;
}

/** `sd15, 1024×512, one denoising step` */
export function subjectTitle({
  model,
  width,
  height,
  steps,
  guidance,
}: Pick<BenchmarkReport, 'model' | 'width' | 'height' | 'steps' | 'guidance'>): string {
  const what = steps === null ? singleTitle(guidance) : `whole images of ${steps} steps`;
  return `${modelTitle(model)}, ${width}×${height}, ${what}`;
}

/** @param guidance null if no denoiser runs */
function singleTitle(guidance: boolean | null): string {
  return guidance === null ? 'single runs' : `one denoising step${guidance ? '' : ' without guidance'}`;
}

export function machineTitle({ machine, threads }: BenchmarkReport): string {
  const { processor, cores, memoryBytes, device, platform, versions } = machine;
  return [
    ...(device ? [device] : []),
    `${processor}, ${threads} of ${cores} threads, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    platform,
    `ONNX Runtime ${versions.onnxruntime}`,
    ...(versions.node ? [`Node ${versions.node}`] : []),
    `Patchwork ${versions.patchwork}`,
  ].join(' · ');
}

/** `11.6×`, `150×` */
export function formatTimes(factor: number | null): string {
  if (factor === null) return '–';
  return `${factor >= 99.5 ? factor.toFixed(0) : factor >= 9.95 ? factor.toFixed(1) : factor.toFixed(2)}×`;
}

/** `4.39× faster`, `1.44× slower` */
export function formatSpeed(factor: number): string {
  return factor < 1 ? `${formatTimes(1 / factor)} slower` : `${formatTimes(factor)} faster`;
}

/** `4.39× fewer`, `1.44× more`: operations, by how many times fewer they are. */
export function formatFewer(factor: number): string {
  return factor < 1 ? `${formatTimes(1 / factor)} more` : `${formatTimes(factor)} fewer`;
}

/** See `BenchmarkRow`. */
export function formatDecibels(psnr: number | null): string {
  return psnr === null ? '–' : `${psnr.toFixed(1)} dB`;
}

/** The title of the column with memory peaks. */
export function peakTitle({ isolated }: BenchmarkReport): string {
  return isolated ? 'Peak memory (own process)' : 'Peak memory (all modes together)';
}
