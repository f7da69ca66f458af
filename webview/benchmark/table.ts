/** The figures of runs as one table, for the page and for exports. */
import type { BenchmarkReport, BenchmarkRow } from '../../engine/api.ts';
import type { StoredRun } from '../benchmarkProtocol.ts';
import { formatBytes, formatGigaMacs, formatLatency } from '../format.ts';
import { type Published, type PublishedRow, publishedFor, publishedRow } from './published.ts';
import { formatDecibels, formatTimes, peakTitle, rowTitle } from './titles.ts';

/** One row of one run. */
export interface Figure {
  run: StoredRun;
  row: BenchmarkRow;
  /** Row that its run's factors are relative to: the first. */
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
        base: rows[0]!,
        title: letter + rowTitle(row, rows),
        ...(published && { published: { ...published, of } }),
      };
    }),
  );
}

export function runLetter(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

/** How many times fewer MACs than the base. */
export function macsFactor({ row, base }: Figure): number {
  return base.macs / row.macs;
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
  return [
    { title: 'Mode', value: ({ title }) => title },
    { title: 'MACs', value: ({ row }) => formatGigaMacs(row.macs) },
    { title: 'Fewer MACs', value: (figure) => formatTimes(macsFactor(figure)) },
    ...(published ? publishedColumn('MACs', (of) => formatTimes(of.of.denseMacs / of.macs)) : []),
    { title: 'Median', value: ({ row }) => formatLatency(row.medianSeconds) },
    { title: 'Spread', value: ({ row }) => spread(row) },
    { title: 'Warm-up', value: ({ row }) => formatLatency(row.warmUpSeconds) },
    { title: 'Speed-up', value: ({ row }) => formatTimes(row.speedup) },
    ...(published ? publishedColumn('speed-up', (of) => formatTimes(of.of.denseSeconds / of.seconds)) : []),
    { title: peakColumn(reports), value: ({ row }) => formatBytes(row.peakBytes) },
    { title: both ? 'PSNR under the mask' : 'PSNR', value: ({ row }) => formatDecibels(row.psnr) },
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
