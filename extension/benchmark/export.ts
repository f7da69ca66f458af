import type { BenchmarkReport } from '../../shared/api.ts';
import type { ExportFormat, StoredRun } from '../../shared/benchmark/protocol.ts';
import { publishedFor } from '../../shared/benchmark/published.ts';
import {
  columnsOf,
  exchangedBytes,
  figuresOf,
  longestMacs,
  runLetter,
} from '../../shared/benchmark/table.ts';
import { machineTitle, subjectTitle } from '../../shared/benchmark/titles.ts';
import { markdownText } from '../markdown.ts';

export const EXPORTS: Readonly<
  Record<ExportFormat, { title: string; ending: string; write: (runs: readonly StoredRun[]) => string }>
> = {
  json: { title: 'JSON', ending: 'json', write: toJson },
  csv: { title: 'CSV', ending: 'csv', write: toCsv },
  markdown: { title: 'Markdown', ending: 'md', write: toMarkdown },
};

/** What `patchwork bench --json` prints; for several runs a list of these. */
function toJson(runs: readonly StoredRun[]): string {
  const reports = runs.map(({ report }) => report);
  return `${JSON.stringify(reports.length === 1 ? reports[0] : reports, undefined, 2)}\n`;
}

/** One line for each row, in plain units, by RFC 4180. */
function toCsv(runs: readonly StoredRun[]): string {
  const lines = runs.flatMap(({ report }) => report.rows.map((_, i) => csvRow(report, i)));
  // Some rows have more fields than others.
  const header = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  return [header, ...lines.map((line: Record<string, unknown>) => header.map((name) => line[name]))]
    .map((cells) => `${cells.map(csvCell).join(',')}\r\n`)
    .join('');
}

function csvRow({ rows, machine, ...report }: BenchmarkReport, index: number) {
  const { model, width, height, steps, guidance, repeat, threads, isolated, date } = report;
  const { seconds, stepSeconds, macsByKind, macsByLevel, activeFraction, operators, ...row } = rows[index]!;
  const { attention = 'full', parts: _, ...figures } = row;
  const { processor, cores, memoryBytes, platform, versions } = machine;
  return {
    ...figures,
    attention,
    activeFraction: activeFraction[0] ?? 1,
    longestMacs: longestMacs(rows[index]!, steps),
    exchangedBytes: exchangedBytes(rows[index]!),
    model,
    width,
    height,
    steps,
    guidance,
    repeat,
    threads,
    isolated,
    date,
    processor,
    cores,
    memoryBytes,
    platform,
    ...versions,
  };
}

/** By RFC 4180; spreadsheets evaluate text that looks like a formula, so such text is marked as text. */
function csvCell(value: unknown): string {
  const plain = value === null || value === undefined ? '' : String(value);
  const text = typeof value === 'string' && /^\s*[=+\-@＝＋－＠]|^[\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The page's table, with a description of the run and the machine. */
export function toMarkdown(runs: readonly StoredRun[]): string {
  const figures = figuresOf(runs);
  const columns = columnsOf(figures);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |\n`;
  const heads = runs.map((run, i) => {
    const letter = runs.length > 1 ? `${runLetter(i)}: ` : '';
    const { report } = run;
    const published = publishedFor(report);
    const source = published ? ` Published figures: ${published.source}.` : '';
    const title = `${letter}${subjectTitle(report)}, ${report.repeat} runs interleaved, ${report.date}`;
    return `${markdownText(`${title}. ${machineTitle(report)}.${source}`)}\n`;
  });
  return [
    heads.join('\n'),
    '\n',
    line(columns.map(({ title }) => markdownText(title))),
    line(columns.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...figures.map((figure) => line(columns.map(({ value }) => markdownText(value(figure))))),
  ].join('');
}
