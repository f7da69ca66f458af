/** Data and options of the charts, from figures of runs. */
import type { ChartConfiguration } from 'chart.js';
import type { Budgets } from '../../shared/benchmark/budgets.ts';
import type { MacsCurve } from '../../shared/benchmark/protocol.ts';
import { type Figure, longestMacs, macsFactor, publishedFactors } from '../../shared/benchmark/table.ts';
import { formatFewer, formatSpeed, shareTitle } from '../../shared/benchmark/titles.ts';
import { capitalized } from '../../shared/capitalized.ts';
import { formatGigaMacs, formatLatency } from '../../shared/format.ts';
import { formatMacs } from '../../shared/units.ts';
import {
  axis,
  type BarLabels,
  barChart,
  bars,
  DASHES,
  lineChart,
  POINTS,
  pointLegend,
  whiskers,
} from './chartParts.ts';
import { seriesColour, type Theme } from './theme.ts';
import { bytesUnit, macsUnit } from './units.ts';

/** MACs beside latency, both in percent of the first row: how much of the saved arithmetic saves time. */
export function savingsChart(figures: readonly Figure[], theme: Theme): ChartConfiguration {
  const share = (part: number, whole: number) => (100 * part) / whole;
  const macs = figures.map((figure) => 100 / macsFactor(figure));
  const times = figures.map(({ row, base }) => share(row.medianSeconds, base.medianSeconds));
  const spreads = figures.map(({ row, base }): [number, number] => [
    share(row.minSeconds, base.medianSeconds),
    share(row.maxSeconds, base.medianSeconds),
  ]);
  const labels: BarLabels = [
    figures.map((figure) => {
      const { run, row } = figure;
      const each = row.parts ? ' a worker' : '';
      return label(
        `${formatGigaMacs(longestMacs(row, run.report.steps))}${each}`,
        macsFactor(figure),
        formatFewer,
      );
    }),
    figures.map(({ row }) => label(formatLatency(row.medianSeconds), row.speedup, formatSpeed)),
  ];
  return barChart(
    figures.map(axisLabel),
    [bars('Operations (MACs)', macs, theme, 0), bars('Time, median and spread', times, theme, 1)],
    {
      theme,
      labels,
      ends: [macs, spreads.map(([, slowest]) => slowest)],
      unit: '% of the first row',
      plugins: [whiskers(1, spreads, theme)],
    },
  );
}

/** How many times fewer and faster, ours beside the published figures. */
export function publishedChart(figures: readonly Figure[], theme: Theme): ChartConfiguration {
  const compared = figures.filter((figure) => figure.published);
  const of = compared.map(({ published }) => publishedFactors(published!));
  const series = [
    { name: 'MACs, here', values: compared.map(macsFactor), colour: 0, faint: false, format: formatFewer },
    {
      name: 'MACs, published',
      values: of.map(({ macs }) => macs),
      colour: 0,
      faint: true,
      format: formatFewer,
    },
    {
      name: 'Time, here',
      values: compared.map(({ row }) => row.speedup),
      colour: 1,
      faint: false,
      format: formatSpeed,
    },
    {
      name: 'Time, published',
      values: of.map(({ time }) => time),
      colour: 1,
      faint: true,
      format: formatSpeed,
    },
  ];
  return barChart(
    compared.map(axisLabel),
    series.map(({ name, values, colour, faint }) => bars(name, values, theme, colour, faint)),
    {
      theme,
      labels: series.map(({ values, format }) =>
        values.map((value) => (value === null ? null : format(value))),
      ),
      unit: 'factor vs. dense',
    },
  );
}

/** MACs by kind or by level, stacked. */
export function macsChart(
  figures: readonly Figure[],
  by: 'macsByKind' | 'macsByLevel',
  theme: Theme,
): ChartConfiguration {
  const unit = macsUnit(figures.map(({ row }) => row.macs));
  const parts = [...new Set(figures.flatMap(({ row }) => Object.keys(row[by])))];
  const totals = parts.map((part) => figures.reduce((sum, { row }) => sum + (row[by][part] ?? 0), 0));
  const order =
    by === 'macsByLevel'
      ? parts
      : parts.toSorted((a, b) => totals[parts.indexOf(b)]! - totals[parts.indexOf(a)]!);
  const datasets = order.map((part, i) =>
    bars(
      partTitle(part, by),
      figures.map(({ row }) => (row[by][part] ?? 0) / unit.scale),
      theme,
      i,
    ),
  );
  return barChart(figures.map(titleLines), datasets, { theme, unit: unit.name, stacked: true });
}

export function partTitle(part: string, by: 'macsByKind' | 'macsByLevel'): string {
  if (by === 'macsByLevel') return part === 'none' ? 'No level' : `Level ${part}`;
  return capitalized(part).replace('-', ' ');
}

export function memoryChart(figures: readonly Figure[], theme: Theme): ChartConfiguration {
  const unit = bytesUnit(figures.map(({ row }) => row.peakBytes));
  return barChart(
    figures.map(titleLines),
    [
      bars(
        'Peak memory',
        figures.map(({ row }) => row.peakBytes / unit.scale),
        theme,
        2,
      ),
    ],
    { theme, labels: [figures.map(({ row }) => unit.format(row.peakBytes))], unit: unit.name },
  );
}

/** Latency of each denoising step of whole pictures, or else of each timed run. */
export function latencyChart(figures: readonly Figure[], theme: Theme): ChartConfiguration {
  const lines = figures.map(({ row }) => latenciesOf(row));
  const most = Math.max(...lines.map(({ length }) => length));
  return lineChart(
    figures.map(({ title }, i) => ({ title, values: lines[i]!.map((seconds) => 1000 * seconds) })),
    {
      theme,
      labels: Array.from({ length: most }, (_, i) => i + 1),
      unit: hasSteps(figures) ? 'Step' : 'Run',
      y: latencyAxis(theme, lines.flat()),
    },
  );
}

/** Operations against the sides of square images, by powers of ten. */
export function curvesChart(curves: readonly MacsCurve[], theme: Theme): ChartConfiguration {
  const { ticks, ...rest } = axis(theme, '');
  const format = (value: number | string) => formatMacs(Number(value));
  return lineChart(
    curves.map(({ title, points }) => ({ title, values: points.map(({ macs }) => macs) })),
    {
      theme,
      labels: curves[0]?.points.map(({ side }) => side) ?? [],
      unit: 'Side of the image in pixels',
      y: { ...rest, type: 'logarithmic', ticks: { ...ticks, callback: format, maxTicksLimit: 6 } },
    },
  );
}

/**
 * Plans for budgets as points, beside the line of plain steps with as many operations: PSNR in dB, or time in per cent
 * of the full image's, against MACs in per cent of its.
 */
export function budgetsChart(
  all: readonly Budgets[],
  what: 'quality' | 'time',
  theme: Theme,
): ChartConfiguration {
  const pointsOf = (full: Figure, figures: readonly Figure[]) =>
    figures.flatMap(({ row }) => {
      const time = (100 * row.medianSeconds) / full.row.medianSeconds;
      const y = what === 'time' ? time : row.psnr;
      return y === null ? [] : [{ x: (100 * row.macs) / full.row.macs, y }];
    });
  const datasets = all.flatMap(({ title, full, shares }, i) => {
    const prefix = all.length > 1 ? `${title}: ` : '';
    const common = (series: number) => ({
      borderColor: seriesColour(series, theme),
      backgroundColor: seriesColour(series, theme),
      borderWidth: 2,
      // A point at the edge is drawn whole.
      clip: false as const,
    });
    const plans = shares.map(({ plan }) => plan);
    const controls = shares.flatMap(({ control }) => control ?? []);
    return [
      {
        ...common(2 * i),
        label: `${prefix}Best plan`,
        data: pointsOf(full, [full, ...plans]),
        showLine: false,
        pointStyle: POINTS[0],
        pointRadius: 6,
      },
      {
        ...common(2 * i + 1),
        label: `${prefix}Plain steps`,
        data: pointsOf(full, [full, ...controls]),
        borderDash: DASHES[1],
        pointStyle: POINTS[3],
        pointRadius: 4,
      },
    ];
  });
  const y = axis(theme, what === 'time' ? 'Time, % of the full image’s' : 'PSNR, dB');
  return {
    type: 'line',
    data: { datasets },
    options: {
      scales: {
        x: { ...axis(theme, 'MACs, % of the full image’s'), type: 'linear', min: 0, max: 100 },
        y: { ...y, beginAtZero: what === 'time' },
      },
      plugins: { legend: pointLegend(theme) },
    },
  } as ChartConfiguration;
}

/** From zero; by powers of ten where the slowest is many times the fastest. */
function latencyAxis(theme: Theme, seconds: readonly number[]) {
  const wide = Math.max(...seconds) > 8 * Math.min(...seconds);
  const format = (value: number | string) => formatLatency(Number(value) / 1000);
  const { ticks, ...rest } = axis(theme, '');
  return wide
    ? { ...rest, type: 'logarithmic' as const, ticks: { ...ticks, callback: format, maxTicksLimit: 6 } }
    : { ...rest, beginAtZero: true, ticks: { ...ticks, callback: format } };
}

export function hasSteps(figures: readonly Figure[]): boolean {
  return figures.some(({ row }) => row.stepSeconds.length > 0);
}

export function latenciesOf({ stepSeconds, seconds }: Figure['row']): number[] {
  return stepSeconds.length > 0 ? stepSeconds : seconds;
}

/** A row's title, and below it how much it computes. */
function axisLabel(figure: Figure): string[] {
  const share = shareTitle(figure.row);
  return share === null ? titleLines(figure) : [...titleLines(figure), share];
}

/** Letters of a title that an axis has room for in a line. */
const LINE = 24;

/** A row's title in lines: broken between its parts, and between words where a part is long. */
function titleLines({ title }: Figure): string[] {
  return packed(
    title.split(' · ').flatMap((part) => packed(part.split(' '), ' ')),
    ' · ',
  );
}

/** Fills each line with as many of the pieces as fit. */
function packed(pieces: readonly string[], between: string): string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const longer = [...lines.slice(-1), piece].join(between);
    if (lines.length > 0 && longer.length <= LINE) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines;
}

function label(figure: string, factor: number, format: (factor: number) => string): string {
  return factor === 1 ? figure : `${figure}  (${format(factor)})`;
}
