/** Operations against resolution, which are counted and need no run. */
import { html, nothing, type TemplateResult } from 'lit';
import type { BenchmarkState } from '../../shared/benchmark/protocol.ts';
import { formatMacs } from '../../shared/units.ts';
import { curvesChart } from './charts.ts';
import { chartTemplate, smallTable } from './figures.ts';
import type { Actions } from './page.ts';

const TITLE = 'MACs against resolution';
const HEIGHT = 320;

/** The button that counts them, below the runs. */
export function countTemplate(actions: Actions): TemplateResult {
  return html`<section class="preset" aria-labelledby="curves">
    <h2 id="curves">${TITLE}</h2>
    <p>Counts the operations of one step of a U-Net, FLUX.2 and SANA from 256 to 4096 pixels. Nothing runs.</p>
    <div class="row wrap">
      <vscode-button secondary icon="graph-line" data-action="count" @click=${actions.count}>
        Count Operations
      </vscode-button>
    </div>
  </section>`;
}

export function curvesTemplate({ curves }: BenchmarkState): TemplateResult | typeof nothing {
  if (!curves) return nothing;
  const sides = curves[0]?.points.map(({ side }) => side) ?? [];
  const rows = sides.map((side, i) => [
    `${side}×${side}`,
    ...curves.map(({ points }) => formatMacs(points[i]!.macs)),
  ]);
  return chartTemplate({
    title: TITLE,
    note: 'Of one step without guidance, by powers of ten: attention of the U-Net and of FLUX.2 grows with the square of the pixels, that of SANA with the pixels.',
    height: HEIGHT,
    draw: (theme) => curvesChart(curves, theme),
    table: smallTable(['Image', ...curves.map(({ title }) => title)], rows, 'curves'),
  });
}
