/** Results of compute budgets: each plan beside plain steps with as many operations. */
import { html, nothing, type TemplateResult } from 'lit';
import { type Budgets, budgetsOf, type Share } from '../../shared/benchmark/budgets.ts';
import type { Figure } from '../../shared/benchmark/table.ts';
import { formatDecibels } from '../../shared/benchmark/titles.ts';
import { formatGigaMacs, formatLatency } from '../../shared/format.ts';
import { budgetsChart } from './charts.ts';
import { chartTemplate, smallTable } from './figures.ts';
import type { Page } from './page.ts';

const HEIGHT = 280;

export function budgetsTemplate(page: Page, figures: readonly Figure[]): TemplateResult | typeof nothing {
  const all = budgetsOf(figures);
  if (all.length === 0) return nothing;
  const titleOf = (title: string) => (all.length > 1 ? `${title}: ` : '');
  const rows = all.flatMap(({ title, shares }) =>
    shares.map(({ percent, plan, control }) => [
      `${titleOf(title)}${percent} %`,
      ...[plan, control].flatMap((figure) =>
        figure
          ? [
              formatGigaMacs(figure.row.macs),
              formatDecibels(figure.row.psnr),
              formatLatency(figure.row.medianSeconds),
            ]
          : ['–', '–', '–'],
      ),
    ]),
  );
  const heads = ['Budget', 'MACs', 'PSNR', 'Time', 'MACs, plain steps', 'PSNR', 'Time'];
  return html`<div class="pair">
      ${chartTemplate({
        title: 'Quality for the operations spent',
        note: 'PSNR against the full image. The line is the control: the same operations on plain steps. Higher is better.',
        height: HEIGHT,
        draw: (theme) => budgetsChart(all, 'quality', theme),
        table: smallTable(heads, rows, 'budgets'),
      })}
      ${chartTemplate({
        title: 'Time for the operations spent',
        note: 'Relative to the full image. On the diagonal every saved operation saved time.',
        height: HEIGHT,
        draw: (theme) => budgetsChart(all, 'time', theme),
      })}
    </div>
    ${all.map((budgets) => picturesTemplate(page, budgets, titleOf(budgets.title)))}`;
}

/** The full image and one for each budget side by side, below them those of the control. */
function picturesTemplate(
  { picture }: Page,
  { full, shares }: Budgets,
  prefix: string,
): TemplateResult | typeof nothing {
  const cell = (figure: Figure | undefined, head: string) => {
    const name = figure?.row.picture;
    const url = figure && name ? picture(figure.run.id, name) : undefined;
    if (!figure || !url) return html`<td></td>`;
    const { psnr, medianSeconds } = figure.row;
    const level = psnr === null ? '' : ` · ${formatDecibels(psnr)}`;
    return html`<td>
      <img src=${url} alt=${`${figure.title}, ${head}`} data-picture=${name!} />
      <span class="hint">${formatLatency(medianSeconds)}${level}</span>
    </td>`;
  };
  const line = (title: string, of: (share: Share) => Figure | undefined, first?: Figure) => html`<tr>
    <th scope="row">${title}</th>
    ${cell(first, '100 %')} ${shares.map((share) => cell(of(share), `${share.percent} %`))}
  </tr>`;
  return html`<section>
    <h2>${prefix}The image for each budget</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="The image for each budget">
      <table class="budgets" data-test="budget-pictures">
        <thead>
          <tr>
            <td></td>
            ${['100 %', ...shares.map(({ percent }) => `${percent} %`)].map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${line('Best plan', ({ plan }) => plan, full)}
          ${shares.some(({ control }) => control) ? line('Plain steps', ({ control }) => control) : nothing}
        </tbody>
      </table>
    </div>
  </section>`;
}
