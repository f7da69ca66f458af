/** The figures of runs as one table, for the page and for exports. */
import type { BenchmarkReport, BenchmarkRow } from '../api.ts';
import { formatBytes, formatGigaMacs, formatLatency } from '../format.ts';
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

/** Rows of all runs; where there are several, titles begin with the run's letter. */
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

/** MACs that follow one another: of workers only the one that has most counts. */
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

/** Columns that the figures have something for. */
export function columnsOf(figures: readonly Figure[]): Column[] {
  const reports = figures.map(({ run }) => run.report);
  const published = figures.some((figure) => figure.published);
  const both = figures.some(({ row }) => row.mask !== null && row.psnrWhole !== null);
  const shared = figures.some(({ row }) => row.parts);
  return [
    { title: 'Mode', value: ({ title }) => title },
    { title: 'MACs', value: ({ row }) => formatGigaMacs(row.macs) },
    ...(shared
      ? [
          {
            title: 'MACs of one worker',
            value: ({ run, row }: Figure) => formatGigaMacs(longestMacs(row, run.report.steps)),
          },
        ]
      : []),
    { title: 'Fewer MACs', value: (figure) => below(macsFactor(figure), formatFewer) },
    ...(published ? publishedColumn('MACs', (of) => formatTimes(publishedFactors(of).macs)) : []),
    { title: 'Median', value: ({ row }) => formatLatency(row.medianSeconds) },
    { title: 'Spread', value: ({ row }) => spread(row) },
    { title: 'Warm-up', value: ({ row }) => formatLatency(row.warmUpSeconds) },
    { title: 'Speed-up', value: ({ row }) => below(row.speedup, formatSpeed) },
    ...(published ? publishedColumn('speed-up', (of) => formatTimes(publishedFactors(of).time)) : []),
    ...(shared ? [{ title: 'Exchanged a step', value: ({ row }: Figure) => formatExchange(row) }] : []),
    { title: peakColumn(reports), value: ({ row }) => formatBytes(row.peakBytes) },
    { title: both ? 'PSNR under the mask' : 'PSNR', value: ({ row }) => formatDecibels(row.psnr) },
    ...(figures.some((figure) => figure.published?.psnr)
      ? publishedColumn('PSNR', ({ psnr }) => formatDecibels(psnr ?? null))
      : []),
    ...(both ? [{ title: 'PSNR whole', value: ({ row }: Figure) => formatDecibels(row.psnrWhole) }] : []),
    ...(figures.some(({ row }) => row.ssim !== null)
      ? [{ title: 'SSIM', value: ({ row }: Figure) => row.ssim?.toFixed(3) ?? '–' }]
      : []),
    ...(figures.some(({ row }) => row.diskBytes !== null)
      ? [
          {
            title: 'U-Net on disk',
            value: ({ row }: Figure) => (row.diskBytes === null ? '–' : formatBytes(row.diskBytes)),
          },
        ]
      : []),
    ...(figures.some(({ row }) => row.loadSeconds > 0)
      ? [{ title: 'Load', value: ({ row }: Figure) => formatLatency(row.loadSeconds) }]
      : []),
    ...(figures.some(({ row }) => row.storeBytes > 0)
      ? [
          {
            title: 'Store',
            value: ({ row }: Figure) => (row.storeBytes > 0 ? formatBytes(row.storeBytes) : '–'),
          },
        ]
      : []),
  ];
}

function publishedColumn(
  what: string,
  value: (published: PublishedRow & { of: Published }) => string,
): Column[] {
  return [{ title: `Published ${what}`, value: ({ published }) => (published ? value(published) : '–') }];
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
