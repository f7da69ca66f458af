/** The figures of runs as one table, for the page and for exports. */
import type { BenchmarkReport, BenchmarkRow } from '../api.ts';
import { formatBytes, formatGigaMacs, formatLatency, formatMacs } from '../units.ts';
import type { StoredRun } from './protocol.ts';
import { type Published, type PublishedRow, publishedFor, publishedRow } from './published.ts';
import { formatDecibels, formatFewer, formatSpeed, formatTimes, peakTitle, rowTitle } from './titles.ts';

/** One row of one run. */
export interface Figure {
  run: StoredRun;
  row: BenchmarkRow;
  /** Row that its run's factors are relative to: the first of the same network. */
  base: BenchmarkRow;
  title: string;
  published?: PublishedRow & { of: Published };
}

/** Rows of all runs; if there are several, titles begin with the run's letter. */
export function figuresOf(runs: readonly StoredRun[]): Figure[] {
  return runs.flatMap((run, i) =>
    run.report.rows.map((row): Figure => {
      const { rows } = run.report;
      const letter = runs.length > 1 ? `${runLetter(i)} · ` : '';
      const of = publishedFor(run.report);
      const published = of && publishedRow(of, row);
      return {
        run,
        row,
        base: rows.find(({ network }) => network === row.network)!,
        title: letter + rowTitle(row, rows),
        ...(published && { published: { ...published, of } }),
      };
    }),
  );
}

export function runLetter(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

/** How many times fewer MACs than the base, on the worker that has most where several share them. */
export function macsFactor({ run, row, base }: Figure): number {
  const { steps } = run.report;
  return longestMacs(base, steps) / longestMacs(row, steps);
}

/** MACs on the longest path: of several workers only the one with the most counts. */
export function longestMacs(
  { macs, macsByKind, parts = [] }: BenchmarkRow,
  steps: BenchmarkReport['steps'],
): number {
  if (parts.length === 0) return macs;
  // Reports of single steps count what workers did in all runs.
  if (steps === null) return Math.max(...parts.map(({ stepMacs }) => stepMacs));
  return (macsByKind['other networks'] ?? 0) + Math.max(...parts.map((part) => part.macs));
}

/** Bytes that all workers of a row receive in a step. */
export function exchangedBytes({ parts = [] }: BenchmarkRow): number {
  return parts.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
}

/** How many times less was published. */
export function publishedFactors({ of, macs, seconds }: NonNullable<Figure['published']>) {
  return { macs: macs && of.denseMacs / macs, time: seconds && of.denseSeconds / seconds };
}

interface Column {
  title: string;
  value: (figure: Figure) => string;
}

/** A column as it is defined here: its title may depend on the figures. */
interface Described {
  title: string | ((figures: readonly Figure[]) => string);
  value: Column['value'];
  /** Whether the table has the column; absent: always. */
  shown?: (figures: readonly Figure[]) => boolean;
  /** Its text in the line of `patchwork bench`; undefined: nothing. */
  line?: (figure: Figure) => string | undefined;
}

const ifAny = (has: (figure: Figure) => unknown) => (figures: readonly Figure[]) => figures.some(has);
const isShared = ifAny(({ row }) => row.parts);
const isPublished = ifAny((figure) => figure.published);
/** Some figures have a PSNR under the mask and one of the whole image. */
const hasBoth = ifAny(({ row }) => row.mask !== null && row.psnrWhole !== null);

/** A new figure of `schema.ts` needs an entry here to be a column of the panel and of exports, and part of the line. */
const COLUMNS: readonly Described[] = [
  {
    title: 'Mode',
    value: ({ title }) => title,
    line({ row }) {
      const name = `${row.case} ${row.mask ?? (row.workers > 1 ? `on ${row.workers}` : '')}`.padEnd(24);
      const network = row.network === undefined ? [] : [row.network];
      const device = row.device === undefined ? [] : [row.device.padEnd(6)];
      return [name, ...network, row.precision.padEnd(6), ...device].join('  ');
    },
  },
  {
    title: 'MACs',
    value: ({ row }) => formatGigaMacs(row.macs),
    line: ({ row }) => formatMacs(row.macs).padStart(14),
  },
  {
    title: 'MACs of one worker',
    shown: isShared,
    value: ({ run, row }) => formatGigaMacs(longestMacs(row, run.report.steps)),
  },
  { title: 'Fewer MACs', value: (figure) => below(macsFactor(figure), formatFewer) },
  {
    title: 'Published MACs',
    shown: isPublished,
    value: published((of) => formatTimes(publishedFactors(of).macs)),
  },
  { title: 'Median', value: ({ row }) => formatLatency(row.medianSeconds) },
  {
    title: 'Spread',
    value: ({ row }) => spread(row),
    line: ({ row }) =>
      `median ${formatLatency(row.medianSeconds)} (${formatLatency(row.minSeconds)} to ${formatLatency(row.maxSeconds)})`,
  },
  { title: 'Warm-up', value: ({ row }) => formatLatency(row.warmUpSeconds) },
  {
    title: 'Speed-up',
    value: ({ row }) => below(row.speedup, formatSpeed),
    line: ({ row }) => `×${row.speedup.toFixed(2)}`,
  },
  {
    title: 'Published speed-up',
    shown: isPublished,
    value: published((of) => formatTimes(publishedFactors(of).time)),
  },
  { title: 'Exchanged a step', shown: isShared, value: ({ row }) => formatExchange(row) },
  {
    title: (figures) => peakColumn(figures.map(({ run }) => run.report)),
    value: ({ row }) => formatBytes(row.peakBytes),
    line: ({ run, row }) => `peak ${formatBytes(row.peakBytes)}${run.report.isolated ? '' : ' for all'}`,
  },
  {
    title: (figures) => (hasBoth(figures) ? 'PSNR under the mask' : 'PSNR'),
    value: ({ row }) => formatDecibels(row.psnr),
    line: ({ row }) => ifThere(row.psnr, (psnr) => `${psnr.toFixed(1)} dB`),
  },
  {
    title: 'Published PSNR',
    shown: ifAny((figure) => figure.published?.psnr),
    value: published(({ psnr }) => formatDecibels(psnr ?? null)),
  },
  {
    title: 'PSNR whole',
    shown: hasBoth,
    value: ({ row }) => formatDecibels(row.psnrWhole),
    line: ({ row }) =>
      row.mask === null ? undefined : ifThere(row.psnrWhole, (psnr) => `(${psnr.toFixed(1)} dB in all)`),
  },
  {
    title: 'SSIM',
    shown: ifAny(({ row }) => row.ssim !== null),
    value: ({ row }) => row.ssim?.toFixed(3) ?? '–',
    line: ({ row }) => ifThere(row.ssim, (ssim) => `SSIM ${ssim.toFixed(3)}`),
  },
  {
    title: 'Denoiser on disk',
    shown: ifAny(({ row }) => row.diskBytes !== null),
    value: ({ row }) => ifThere(row.diskBytes, formatBytes) ?? '–',
    line: ({ row }) => ifThere(row.diskBytes, (bytes) => `disk ${formatBytes(bytes)}`),
  },
  {
    title: 'Load',
    shown: ifAny(({ row }) => row.loadSeconds > 0),
    value: ({ row }) => formatLatency(row.loadSeconds),
    line: ({ row }) => ifThere(row.loadSeconds || null, (seconds) => `load ${formatLatency(seconds)}`),
  },
  {
    title: 'Device memory (planned)',
    shown: ifAny(({ row }) => row.deviceBytes),
    value: ({ row }) => ifThere(row.deviceBytes ?? null, formatBytes) ?? '–',
    line: ({ row }) => ifThere(row.deviceBytes ?? null, (bytes) => `device ${formatBytes(bytes)}`),
  },
  {
    title: 'Copied',
    shown: ifAny(({ row }) => row.copiedBytes !== undefined),
    value: ({ row }) => ifThere(row.copiedBytes ?? null, formatBytes) ?? '–',
    line: ({ row }) => ifThere(row.copiedBytes ?? null, (bytes) => `copied ${formatBytes(bytes)}`),
  },
  {
    title: 'Store',
    shown: ifAny(({ row }) => row.storeBytes > 0),
    value: ({ row }) => ifThere(row.storeBytes || null, formatBytes) ?? '–',
    line: ({ row }) => ifThere(row.storeBytes || null, (bytes) => `store ${formatBytes(bytes)}`),
  },
];

/** Columns that the figures have something for. */
export function columnsOf(figures: readonly Figure[]): Column[] {
  return COLUMNS.filter(({ shown }) => shown?.(figures) ?? true).map(({ title, value }) => ({
    title: typeof title === 'string' ? title : title(figures),
    value,
  }));
}

/** A row as the command line prints it. */
export function lineOf(figure: Figure): string {
  return COLUMNS.map(({ line }) => line?.(figure))
    .filter((words) => words !== undefined)
    .join('  ');
}

function ifThere(value: number | null, format: (value: number) => string): string | undefined {
  return value === null ? undefined : format(value);
}

function published(value: (published: PublishedRow & { of: Published }) => string): Column['value'] {
  return (figure) => (figure.published ? value(figure.published) : '–');
}

/** `6.00×`; a factor below 1 is called by its name. */
function below(factor: number, format: (factor: number) => string): string {
  return factor < 1 ? format(factor) : formatTimes(factor);
}

function formatExchange(row: BenchmarkRow): string {
  return row.parts ? formatBytes(exchangedBytes(row)) : '–';
}

function spread({ minSeconds, maxSeconds }: BenchmarkRow): string {
  const [fastest, slowest] = [formatLatency(minSeconds), formatLatency(maxSeconds)];
  const [, number, unit] = /^(\S+) (m?s)$/.exec(fastest) ?? [];
  return number && slowest.endsWith(` ${unit}`) ? `${number}–${slowest}` : `${fastest} to ${slowest}`;
}

/** Peaks of runs that were measured differently are not of one kind. */
function peakColumn(reports: readonly BenchmarkReport[]): string {
  const titles = new Set(reports.map(peakTitle));
  return titles.size === 1 ? [...titles][0]! : 'Peak memory';
}
