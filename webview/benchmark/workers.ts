/** Which worker computes which part of an image. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { WorkerReport } from '../../shared/api.ts';
import { exchangedBytes, type Figure } from '../../shared/benchmark/table.ts';
import { formatBytes, formatGigaMacs, formatLatency } from '../../shared/format.ts';

/** A band of the picture, in shares of its side, and the workers that compute it. */
interface Band {
  from: number;
  to: number;
  workers: string[];
}

/** The bands in reading order; workers of several branches of guidance have one together. */
export function bandsOf(parts: readonly WorkerReport[]): Band[] {
  const side = Math.max(...parts.map(({ to }) => to));
  const bands = new Map<string, Band>();
  for (const { name, from, to } of parts) {
    const key = `${from} ${to}`;
    const band = bands.get(key) ?? { from: from / side, to: to / side, workers: [] };
    band.workers.push(name);
    bands.set(key, band);
  }
  return [...bands.values()].sort((a, b) => a.from - b.from);
}

/** Lines between the bands and the workers' names, to be laid over a picture. */
export function bandsOverlay(parts: readonly WorkerReport[]): TemplateResult {
  const down = parts[0]!.axis === 'y';
  const percent = (share: number) => `${100 * share}%`;
  const line = (at: string, shade: string) =>
    down
      ? svg`<line class=${shade} x1="0" x2="100%" y1=${at} y2=${at} />`
      : svg`<line class=${shade} x1=${at} x2=${at} y1="0" y2="100%" />`;
  const band = ({ from, workers }: Band) => {
    const at = percent(from);
    const name = workers.map((worker) => worker.replace(/^Worker /, '')).join(' + ');
    return svg`${from > 0 ? [line(at, 'dark'), line(at, 'light')] : nothing}
      <text x=${down ? '0' : at} y=${down ? at : '0'} dx="6" dy="1.3em">${name}</text>`;
  };
  return html`<svg class="bands" width="100%" height="100%" aria-hidden="true" data-test="bands">
    ${bandsOf(parts).map(band)}
  </svg>`;
}

/** Each worker's part, what it takes, and what it exchanges. */
export function workersTemplate(figures: readonly Figure[]): TemplateResult | typeof nothing {
  const shared = figures.filter(({ row }) => row.parts?.length);
  if (shared.length === 0) return nothing;
  // The most informative one is open: workers that exchange something.
  const open = shared.findLast(({ row }) => exchangedBytes(row) > 0) ?? shared[0];
  return html`<section class="workers" aria-labelledby="workers">
    <h2 id="workers">Who computes what</h2>
    <p class="hint">
      Of one step: the time in the network, and with waiting for and exchanging features. Positions are those of the
      latents.
    </p>
    ${shared.map(
      (figure) => html`<details ?open=${figure === open}>
        <summary>${figure.title}</summary>
        ${workersTable(figure.row.parts!)}
      </details>`,
    )}
  </section>`;
}

function workersTable(parts: readonly WorkerReport[]): TemplateResult {
  const heads = ['Worker', 'Computes', 'MACs', 'In the network', 'In all', 'Sends', 'Receives'];
  const line = (part: WorkerReport) => html`<tr>
    <th scope="row">${part.name}</th>
    <td>${partTitle(part)}</td>
    <td>${formatGigaMacs(part.stepMacs)}</td>
    <td>${formatLatency(part.runSeconds)}</td>
    <td>${formatLatency(part.seconds)}</td>
    <td>${formatBytes(part.sentBytes)}</td>
    <td>${formatBytes(part.receivedBytes)}</td>
  </tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Workers">
    <table data-test="workers">
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${parts.map(line)}
      </tbody>
    </table>
  </div>`;
}

/** `rows 0 to 31`, `prompt, columns 32 to 63` */
export function partTitle({ branch, axis, from, to }: WorkerReport): string {
  const band = `${axis === 'y' ? 'rows' : 'columns'} ${from} to ${to - 1}`;
  return branch === null ? band : `${branch === 0 ? 'prompt' : 'negative prompt'}, ${band}`;
}
