/** What charts are made of: bars, lines, axes, legends and what is drawn over them. */
import type { ChartConfiguration, ChartDataset, Plugin } from 'chart.js';
import { seriesColour, type Theme } from './theme.ts';

/** Texts at the ends of bars, dataset by dataset. */
export type BarLabels = readonly (readonly (string | null)[])[];

type Bars = ChartDataset<'bar', (number | null)[]>;

/** `faint`: an outline, for published figures. */
export function bars(
  name: string,
  data: (number | null)[],
  theme: Theme,
  series: number,
  faint = false,
): Bars {
  const colour = seriesColour(series, theme);
  const fill = theme.highContrast ? hatched(colour, series) : colour;
  return {
    label: name,
    data,
    backgroundColor: faint ? 'transparent' : fill,
    borderColor: colour,
    borderWidth: faint || theme.highContrast ? 1.5 : 0,
    borderRadius: 2,
    maxBarThickness: 22,
    categoryPercentage: 0.78,
    barPercentage: 0.92,
  };
}

/** Stripes, another way for each series; the first is plain. */
function hatched(colour: string, series: number): CanvasPattern | string {
  if (series % 4 === 0) return colour;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const context = tile.getContext('2d')!;
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  if (series % 4 !== 2) for (const x of [-8, 0, 8]) line(context, x, 8, x + 8, 0);
  if (series % 4 !== 1) for (const x of [-8, 0, 8]) line(context, x, 0, x + 8, 8);
  context.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
}

export function barChart(
  titles: (string | string[])[],
  datasets: Bars[],
  options: {
    theme: Theme;
    unit: string;
    labels?: BarLabels;
    /** Where labels begin, unless at the ends of their bars. */
    ends?: number[][];
    stacked?: boolean;
    plugins?: Plugin[];
  },
): ChartConfiguration {
  const { theme, unit, labels, stacked = false, plugins = [] } = options;
  const ends = options.ends ?? datasets.map(({ data }) => data.map((value) => value ?? 0));
  return {
    type: 'bar',
    data: { labels: titles, datasets },
    options: {
      indexAxis: 'y',
      layout: { padding: { right: labels ? widthOf(labels, theme) : 8 } },
      scales: {
        x: {
          ...axis(theme, unit),
          stacked,
          beginAtZero: true,
          suggestedMax: labels && Math.max(...ends.flat()),
        },
        y: rowsAxis(theme, stacked),
      },
      plugins: { legend: { ...legend(theme), display: datasets.length > 1 } },
    },
    plugins: [...plugins, ...(labels ? [endLabels(labels, ends, theme)] : [])],
  } as ChartConfiguration;
}

/** Room for figures behind the longest bars, in pixels: letters are about 0.6 of their height wide. */
function widthOf(labels: BarLabels, { fontSize }: Theme): number {
  return 12 + 0.6 * fontSize * Math.max(...labels.flat().map((text) => text?.length ?? 0));
}

/** Every row has its title, however little room there is. */
function rowsAxis(theme: Theme, stacked: boolean) {
  const { ticks, ...rest } = axis(theme);
  return { ...rest, stacked, grid: { display: false }, ticks: { ...ticks, autoSkip: false } };
}

/** A line of each series; `unit`: of the labels. */
export function lineChart(
  series: readonly { title: string; values: number[] }[],
  { theme, labels, unit, y }: { theme: Theme; labels: number[]; unit: string; y: object },
): ChartConfiguration {
  return {
    type: 'line',
    data: {
      labels,
      datasets: series.map(({ title, values }, i) => ({
        label: title,
        data: values,
        borderColor: seriesColour(i, theme),
        backgroundColor: seriesColour(i, theme),
        borderDash: theme.highContrast ? DASHES[i % DASHES.length] : [],
        pointStyle: POINTS[i % POINTS.length],
        borderWidth: 2,
        pointRadius: 4,
      })),
    },
    options: {
      scales: {
        x: axis(theme, unit),
        y,
      },
      plugins: {
        legend: pointLegend(theme),
      },
    },
  };
}

export const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];
export const POINTS = ['circle', 'rect', 'triangle', 'rectRot', 'star'] as const;

export function axis(theme: Theme, text?: string) {
  return {
    grid: { color: theme.lines },
    // Where lines are as strong as the text, they must not hide it.
    border: { color: theme.lines, ...(theme.highContrast && { dash: [1, 5] }) },
    ticks: { color: text === undefined ? theme.foreground : theme.muted },
    title: { display: Boolean(text), text: text ?? '', color: theme.muted },
  };
}

function legend(theme: Theme) {
  const labels = { color: theme.foreground, boxWidth: 14, boxHeight: 10, padding: 14 };
  return { position: 'top' as const, align: 'start' as const, labels };
}

/** With the points of each series in place of boxes. */
export function pointLegend(theme: Theme) {
  const { labels, ...rest } = legend(theme);
  return { ...rest, labels: { ...labels, usePointStyle: true, boxWidth: 8, boxHeight: 8 } };
}

/** Writes each bar's figure behind its end. */
function endLabels(labels: BarLabels, ends: number[][], theme: Theme): Plugin {
  return {
    id: 'endLabels',
    afterDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      ctx.save();
      ctx.font = `${theme.fontSize - 1}px ${theme.font}`;
      ctx.fillStyle = theme.foreground;
      // Clears the grid behind the letters.
      ctx.strokeStyle = theme.background;
      ctx.lineWidth = 4;
      ctx.lineJoin = 'round';
      ctx.textBaseline = 'middle';
      for (const [dataset, texts] of labels.entries())
        for (const [i, text] of texts.entries()) {
          const bar = chart.getDatasetMeta(dataset).data[i];
          const end = scales.x!.getPixelForValue(ends[dataset]![i]!);
          if (!bar || !text) continue;
          ctx.strokeText(text, end + 8, bar.y);
          ctx.fillText(text, end + 8, bar.y);
        }
      ctx.restore();
    },
  };
}

/** A line from the fastest to the slowest run over each bar of a dataset. */
export function whiskers(dataset: number, spreads: readonly [number, number][], theme: Theme): Plugin {
  return {
    id: 'whiskers',
    afterDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      ctx.save();
      ctx.strokeStyle = theme.foreground;
      ctx.lineWidth = 1;
      ctx.beginPath();
      for (const [i, [low, high]] of spreads.entries()) {
        const bar = chart.getDatasetMeta(dataset).data[i];
        if (!bar) continue;
        const [from, to] = [low, high].map((value) => scales.x!.getPixelForValue(value)) as [number, number];
        line(ctx, from, bar.y, to, bar.y);
        for (const x of [from, to]) line(ctx, x, bar.y - 3, x, bar.y + 3);
      }
      ctx.stroke();
      ctx.restore();
    },
  };
}
