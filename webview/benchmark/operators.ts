import { html, nothing, type TemplateResult } from 'lit';
import type { Figure } from '../../shared/benchmark/table.ts';
import { formatLatency } from '../../shared/format.ts';
import { formatBytes } from '../../shared/units.ts';

/** Operators that are listed; the rest is summed. */
const LISTED = 8;

interface Line {
  operator: string;
  calls: number;
  seconds: number;
  onProcessor?: true;
  copiedBytes?: number;
}

/** Where the time of each mode goes, operator by operator. */
export function operatorsTemplate(figures: readonly Figure[]): TemplateResult | typeof nothing {
  const profiled = figures.filter(({ row }) => row.operators.length > 0);
  if (profiled.length === 0) return nothing;
  return html`<section class="operators" aria-labelledby="operators">
    <h2 id="operators">Where the time goes</h2>
    <p class="hint">
      From one more run of each mode with ONNX Runtime's profiler, which makes it slower: compare the shares; the
      times above are those of runs without it.
    </p>
    ${profiled.map((figure, i) => operatorTable(figure, i === profiled.length - 1))}
  </section>`;
}

function operatorTable({ title, row }: Figure, open: boolean): TemplateResult {
  const all = row.operators.reduce((sum, { seconds }) => sum + seconds, 0);
  const lines = shortened(row.operators);
  return html`<details ?open=${open}>
    <summary>${title}<span class="hint"> ${formatLatency(all)} while profiled, ${formatLatency(row.medianSeconds)} without</span></summary>
    <table data-test="operators">
      <thead>
        <tr>
          <th scope="col">Operator</th>
          <th scope="col">Calls</th>
          <th scope="col">Time</th>
          <th scope="col">Share</th>
          <td></td>
        </tr>
      </thead>
      <tbody>
        ${lines.map((line) => operatorLine(line, all))}
      </tbody>
    </table>
  </details>`;
}

function operatorLine(
  { operator, calls, seconds, onProcessor, copiedBytes }: Line,
  all: number,
): TemplateResult {
  const percent = (100 * seconds) / all;
  return html`<tr>
    <th scope="row">${operator}${onProcessor ? ' (processor)' : ''}${copiedBytes ? ` (${formatBytes(copiedBytes)})` : ''}</th>
    <td>${calls}</td>
    <td>${formatLatency(seconds)}</td>
    <td>${percent.toFixed(1)} %</td>
    <td class="bar" aria-hidden="true">
      <svg width="100%" height="8"><rect width=${`${percent}%`} height="8" rx="2" /></svg>
    </td>
  </tr>`;
}

/** The first few, and the sum of the others. */
function shortened(operators: readonly Line[]): Line[] {
  const others = operators.slice(LISTED);
  if (others.length < 2) return [...operators];
  const sum = (field: 'calls' | 'seconds') => others.reduce((total, line) => total + line[field], 0);
  return [
    ...operators.slice(0, LISTED),
    { operator: `${others.length} others`, calls: sum('calls'), seconds: sum('seconds') },
  ];
}
