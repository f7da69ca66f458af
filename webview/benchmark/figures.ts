/** Charts with their numbers, and small tables. */
import type { ChartConfiguration } from 'chart.js';
import { html, nothing, type TemplateResult } from 'lit';
import type { Draw } from './chart.ts';
import type { Theme } from './theme.ts';

interface ChartPart {
  title: string;
  note?: string;
  height: number;
  draw: (theme: Theme) => ChartConfiguration;
  /** The chart's data as a table. */
  table?: TemplateResult;
  /** Controls shown next to the chart title. */
  controls?: TemplateResult;
}

export function chartTemplate({ title, note, height, draw, table, controls }: ChartPart): TemplateResult {
  return html`<figure>
    <figcaption>
      <div class="row"><h2 class="grow">${title}</h2>${controls ?? nothing}</div>
      ${note ? html`<p class="hint">${note}</p>` : nothing}
    </figcaption>
    <patchwork-chart label=${title} .size=${height} .draw=${draw as Draw}></patchwork-chart>
    ${table ? html`<details><summary>Numbers</summary>${table}</details>` : nothing}
  </figure>`;
}

export function smallTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  name: string,
): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`Numbers of ${name}`}>
    <table data-test=${name}>
      <thead>
        <tr>
          ${head.map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([first, ...rest]) => html`<tr>
            <th scope="row">${first}</th>
            ${rest.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
