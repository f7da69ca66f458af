import { html, nothing, type TemplateResult } from 'lit';
import type { BenchmarkRow } from '../../shared/api.ts';
import { isBudget } from '../../shared/benchmark/budgets.ts';
import { EXPORT_FORMATS, type StoredRun } from '../../shared/benchmark/protocol.ts';
import {
  columnsOf,
  type Figure,
  figuresOf,
  longestMacs,
  macsFactor,
  publishedFactors,
  runLetter,
} from '../../shared/benchmark/table.ts';
import {
  caseAbout,
  caseTitle,
  formatDecibels,
  formatFewer,
  formatSpeed,
  formatTimes,
  machineTitle,
  peakTitle,
  shareTitle,
  subjectTitle,
} from '../../shared/benchmark/titles.ts';
import { formatLatency } from '../../shared/format.ts';
import { budgetsTemplate } from './budgets.ts';
import {
  hasSteps,
  latenciesOf,
  latencyChart,
  macsChart,
  memoryChart,
  partTitle,
  publishedChart,
  savingsChart,
} from './charts.ts';
import { chartTemplate, smallTable } from './figures.ts';
import { operatorsTemplate } from './operators.ts';
import type { Actions, Page } from './page.ts';
import { bytesUnit, macsUnit } from './units.ts';
import { bandsOverlay, workersTemplate } from './workers.ts';

/** Height of a chart: its axis and legend, and some for each bar. */
const FRAME = 84;
const BAR = 26;

/** Height of a legend that may take several lines. */
function legendHeight(entries: number): number {
  return 22 * Math.ceil(entries / 2);
}

/** The runs that are shown, side by side. */
export function resultsTemplate(page: Page, actions: Actions): TemplateResult {
  const { shown } = page.state;
  if (shown.length === 0)
    return html`<div class="empty">
      <span class="codicon codicon-graph" aria-hidden="true"></span>
      <span>Results appear here.</span>
    </div>`;
  const figures = figuresOf(shown);
  const published = figures.find((figure) => figure.published)?.published;
  return html`
    ${shown.map((run, i) => headTemplate(run, shown.length > 1 ? `${runLetter(i)}: ` : ''))}
    ${headlineTemplate(figures)} ${budgetsTemplate(page, figures)}
    ${
      published
        ? chartTemplate({
            title: 'Measured here beside the published figures',
            note: `Published: ${published.of.source}. Longer is better; below 1 is slower or more than dense.`,
            height: FRAME + 4 * BAR * figures.filter((figure) => figure.published).length,
            draw: (theme) => publishedChart(figures, theme),
            table: publishedTable(figures),
          })
        : nothing
    }
    ${chartTemplate({
      title: 'Operations and time',
      note: 'Relative to the first row. Equal bars: every saved operation saved time.',
      height: FRAME + 2 * BAR * figures.length,
      draw: (theme) => savingsChart(figures, theme),
    })}
    ${figuresTable(figures)} ${scaleTemplate(figures)} ${exportsTemplate(actions)}
    <div class="pair">
      ${splitTemplate(page, actions, figures)} ${latencyTemplate(figures)}
    </div>
    ${picturesTemplate(page, figures)}
    ${workersTemplate(figures)}
    <div class="pair">${memoryTemplate(figures)} ${operatorsTemplate(figures)}</div>
  `;
}

function headTemplate(run: StoredRun, letter: string): TemplateResult {
  const { report } = run;
  const when = new Date(report.date).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  return html`<header class="head">
    <h1 data-test="subject">${letter}${subjectTitle(report)}</h1>
    <p class="hint" data-test="machine">
      ${report.repeat === 1 ? '1 run' : `${report.repeat} runs`} per mode, taking turns · ${machineTitle(report)} · ${when}
    </p>
  </header>`;
}

/** Savings of the best row, in three numbers. */
function headlineTemplate(figures: readonly Figure[]): TemplateResult | typeof nothing {
  // Independent patches are fast, but give no coherent image.
  const useful = figures.filter(({ row }) => row.case !== 'naive');
  const best = useful.reduce((a, b) => (b.row.speedup > a.row.speedup ? b : a));
  const fewer = macsFactor(best);
  const [own, base] = [best.row, best.base].map((row) => longestMacs(row, best.run.report.steps));
  const unit = macsUnit([base!]);
  // Another device is faster by itself, whatever it leaves out.
  const isSameDevice = best.row.device === best.base.device;
  if (best.row.speedup <= 1 || (isSameDevice && fewer <= 1))
    return figures.length > 1
      ? html`<p data-test="headline">No mode was faster than ${best.base === best.row ? 'the first' : caseTitle(best.base.case)}.</p>`
      : nothing;
  const tile = (value: string, label: string) =>
    html`<div class="tile"><span class="value">${value}</span><span class="hint">${label}</span></div>`;
  const share = shareTitle(best.row);
  return html`<div class="tiles" role="group" aria-label="Best mode">
    <div class="tile wide">
      <span class="name">${best.title}</span><span class="hint">${share ?? 'best mode'}</span>
    </div>
    ${tile(formatTimes(fewer), `fewer MACs${best.row.parts ? ' a worker' : ''}, ${unit.format(own!)} of ${unit.format(base!)}`)}
    ${tile(
      formatTimes(best.row.speedup),
      `faster, ${formatLatency(best.row.medianSeconds)} instead of ${formatLatency(best.base.medianSeconds)}`,
    )}
    ${isSameDevice ? tile(`${((100 * best.row.speedup) / fewer).toFixed(0)} %`, 'of the theoretical speed-up achieved') : nothing}
  </div>`;
}

function figuresTable(figures: readonly Figure[]): TemplateResult {
  const columns = columnsOf(figures);
  const line = (figure: Figure) => html`<tr data-row=${figure.row.case}>
    ${columns.map(({ title, value }, i) =>
      i === 0
        ? html`<th scope="row" title=${caseAbout(figure.row.case)}>${value(figure)}</th>`
        : html`<td data-column=${title}>${value(figure)}</td>`,
    )}
  </tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="All figures">
    <table data-test="figures">
      <caption class="visually-hidden">
        All figures
      </caption>
      <thead>
        <tr>
          ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${figures.map(line)}
      </tbody>
    </table>
  </div>`;
}

/** How to read figures other than times. */
function scaleTemplate(figures: readonly Figure[]): TemplateResult | typeof nothing {
  if (figures.every(({ row }) => row.psnr === null)) return nothing;
  return html`<p class="hint" data-test="scale">
    PSNR says how close a result is to the dense float32 one; higher is closer. From about 40 dB on no
    difference is seen; below 20 dB it is another image.
  </p>`;
}

function exportsTemplate(actions: Actions): TemplateResult {
  const titles = { json: 'JSON', csv: 'CSV', markdown: 'Markdown' };
  return html`<div class="row wrap" role="toolbar" aria-label="Export">
    <vscode-button secondary icon="copy" data-action="copy" @click=${actions.copy}>Copy as Markdown</vscode-button>
    ${EXPORT_FORMATS.map(
      (format) => html`<vscode-button
        secondary
        icon="export"
        data-export=${format}
        @click=${() => actions.export(format)}
      >
        ${titles[format]}
      </vscode-button>`,
    )}
  </div>`;
}

function splitTemplate({ split }: Page, actions: Actions, figures: readonly Figure[]): TemplateResult {
  const parts = [...new Set(figures.flatMap(({ row }) => Object.keys(row[split])))];
  const unit = macsUnit(figures.map(({ row }) => row.macs));
  const button = (by: Page['split'], title: string) => html`<button
    type="button"
    class="toggle"
    aria-pressed=${split === by ? 'true' : 'false'}
    @click=${() => actions.split(by)}
  >
    ${title}
  </button>`;
  return chartTemplate({
    title: split === 'macsByKind' ? 'Operations by layer type' : 'Operations by level',
    height: FRAME + BAR * figures.length + legendHeight(parts.length),
    draw: (theme) => macsChart(figures, split, theme),
    controls: html`<div role="group" aria-label="Split by">
      ${button('macsByKind', 'Layer type')}${button('macsByLevel', 'Level')}
    </div>`,
    table: smallTable(
      ['Mode', ...parts.map((part) => partTitle(part, split))],
      figures.map(({ title, row }) => [title, ...parts.map((part) => unit.format(row[split][part] ?? 0))]),
      'macs',
    ),
  });
}

function latencyTemplate(figures: readonly Figure[]): TemplateResult {
  const lines = figures.map(({ row }) => latenciesOf(row));
  const most = Math.max(...lines.map(({ length }) => length));
  const steps = hasSteps(figures);
  return chartTemplate({
    title: steps ? 'Latency of each step' : 'Latency of each run',
    height: FRAME + 160 + legendHeight(figures.length),
    draw: (theme) => latencyChart(figures, theme),
    table: smallTable(
      ['Mode', ...Array.from({ length: most }, (_, i) => `${steps ? 'Step' : 'Run'} ${i + 1}`)],
      figures.map(({ title }, i) => [title, ...lines[i]!.map(formatLatency)]),
      'latency',
    ),
  });
}

function publishedTable(figures: readonly Figure[]): TemplateResult {
  const compared = figures.some(({ published }) => published?.psnr);
  const rows = figures.flatMap((figure) => {
    const { title, row, published } = figure;
    if (!published) return [];
    const { macs, time } = publishedFactors(published);
    const factors = [
      formatFewer(macsFactor(figure)),
      macs === null ? '–' : formatFewer(macs),
      formatSpeed(row.speedup),
      time === null ? '–' : formatSpeed(time),
    ];
    const decibels = published.psnr ? [row.psnr, published.psnr].map(formatDecibels) : ['–', '–'];
    return [[title, ...factors, ...(compared ? decibels : [])]];
  });
  const heads = ['Mode', 'MACs, here', 'published', 'Time, here', 'published'];
  return smallTable([...heads, ...(compared ? ['PSNR, here', 'published'] : [])], rows, 'published');
}

function memoryTemplate(figures: readonly Figure[]): TemplateResult | typeof nothing {
  const isolated = figures.filter(({ run }) => run.report.isolated);
  // Without a process for each row, all rows have the same peak, so bars would compare nothing.
  if (isolated.length === 0) return nothing;
  const unit = bytesUnit(isolated.map(({ row }) => row.peakBytes));
  return chartTemplate({
    title: peakTitle(isolated[0]!.run.report),
    note: 'Including loading and recording.',
    height: FRAME + BAR * isolated.length,
    draw: (theme) => memoryChart(isolated, theme),
    table: smallTable(
      ['Mode', 'Peak memory'],
      isolated.map(({ title, row }) => [title, unit.format(row.peakBytes)]),
      'memory',
    ),
  });
}

function picturesTemplate({ picture }: Page, figures: readonly Figure[]): TemplateResult | typeof nothing {
  // Budgets have a table of their own.
  const shown = figures.filter((figure) => figure.row.picture !== null && !isBudget(figure));
  if (shown.length === 0) return nothing;
  const runs = [...new Set(shown.map(({ run }) => run))];
  const tile = (run: string, name: string, title: string, hint: string, parts?: BenchmarkRow['parts']) => {
    const url = picture(run, name);
    const image = html`<img src=${url ?? nothing} alt=${title} data-picture=${name} />`;
    return html`<figure class="picture">
      ${url ? html`<div class="banded">${image} ${parts ? bandsOverlay(parts) : nothing}</div>` : nothing}
      <figcaption>${title}<span class="hint">${hint}</span></figcaption>
    </figure>`;
  };
  return html`<section aria-labelledby="pictures">
    <h2 id="pictures">The images</h2>
    <div class="pictures">
      ${runs.map((run) => tile(run.id, 'original', 'Original', ''))}
      ${shown.map(({ run, row, title }) =>
        tile(
          run.id,
          row.picture!,
          title,
          row.psnr === null ? '' : `${row.psnr.toFixed(1)} dB${row.mask === null ? '' : ' under the mask'}`,
          row.parts,
        ),
      )}
    </div>
  </section>`;
}
