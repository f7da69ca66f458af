import { html, nothing, type TemplateResult } from 'lit';
import { describeCost, explainCost } from '../../../shared/format.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { iconButton } from './button.ts';

/** What the last edit cost, and where one is in the picture, at the bottom. */
export function statusStrip(page: EditorPage, actions: EditorActions): TemplateResult {
  const { stage } = page;
  const size = stage.picture?.size;
  return html`<footer class="strip">
    <div class="cost">${costTemplate(page, actions)}</div>
    <div class="place">
      <span class="pointer" data-test="pointer"></span>
      ${size ? html`<span>${size.width} × ${size.height}</span>` : nothing}
      ${iconButton({ icon: 'zoom-out', title: 'Zoom Out (-)', action: 'zoomOut', onClick: () => stage.zoomBy(1 / 1.25) })}
      <button
        type="button"
        class="text-button"
        data-action="actualSize"
        title="Actual Size (1)"
        aria-label=${`Zoom ${zoomText(page)}: show the actual size`}
        @click=${() => stage.zoomTo(1)}
      >
        ${zoomText(page)}
      </button>
      ${iconButton({ icon: 'zoom-in', title: 'Zoom In (+)', action: 'zoomIn', onClick: () => stage.zoomBy(1.25) })}
      ${iconButton({ icon: 'screen-full', title: 'Fit (0)', action: 'fit', pressed: stage.fitting, onClick: () => stage.fit() })}
    </div>
  </footer>`;
}

function zoomText({ stage }: EditorPage): string {
  const percent = 100 * stage.view.scale;
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function costTemplate({ cost, level, state }: EditorPage, actions: EditorActions): TemplateResult {
  if (!cost) return html`<span class="hint">Nothing was painted yet.</span>`;
  const why = explainCost(cost);
  const measured = cost.dense?.basis === 'measured';
  return html`<span data-test="cost" title=${why.join('\n')}>${describeCost(cost)}</span>
    <span class="visually-hidden">${why.join(' ')}</span>
    ${
      measured || state?.run
        ? nothing
        : html`<button
            type="button"
            class="link"
            data-action="measure"
            title="Paints this edit once more with everything computed, and leaves the picture as it is"
            @click=${actions.measure}
          >
            Measure Dense Edit
          </button>`
    }
    ${cost.computed.length > 0 ? levelsTemplate(cost.activeFraction, level, actions) : nothing}`;
}

/** Paints over the picture which positions a level computed. */
function levelsTemplate(
  fractions: readonly number[],
  shown: number | undefined,
  actions: EditorActions,
): TemplateResult {
  return html`<span class="levels-choice" role="group" aria-label="What was computed">
    <span class="codicon codicon-layers" aria-hidden="true"></span>
    ${fractions.map(
      (fraction, level) => html`<button
        type="button"
        class="text-button"
        aria-pressed=${String(shown === level)}
        aria-label=${`Level ${level + 1}: ${percentOf(fraction)} of the positions were computed`}
        title=${`Show which positions of level ${level + 1} were computed: ${percentOf(fraction)}`}
        data-action="level"
        @click=${() => actions.showLevel(shown === level ? undefined : level)}
      >
        ${percentOf(fraction)}
      </button>`,
    )}
  </span>`;
}

function percentOf(fraction: number): string {
  return `${fraction < 0.095 ? (100 * fraction).toFixed(1) : Math.round(100 * fraction)} %`;
}
