import { html, nothing, type TemplateResult } from 'lit';
import { describeCost, describeRemaining, explainCost, formatShare } from '../../../shared/format.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { iconButton } from './button.ts';

/** The cost of the last edit and the zoom, at the bottom. */
export function statusStrip(page: EditorPage, actions: EditorActions): TemplateResult {
  const { stage } = page;
  const size = stage.picture?.size;
  return html`<footer class="strip">
    <div class="cost">${costTemplate(page, actions)} ${preparingTemplate(page)}</div>
    <div class="place">
      <span class="pointer" data-test="pointer"></span>
      ${size ? html`<span class="size">${size.width} × ${size.height}</span>` : nothing}
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

/** What is happening in the background. */
function preparingTemplate({ state }: EditorPage): TemplateResult | typeof nothing {
  const { preparing } = state ?? {};
  if (!preparing) return nothing;
  const title =
    'The image is analysed while you paint, so that the first edit is fast. Anything else you start comes first.';
  const { step, steps, remaining } = preparing;
  const time = remaining && remaining >= 2 ? ` · ${describeRemaining(remaining)}` : '';
  return html`<span class="hint" data-test="preparing" title=${title}>
    Analysing image in the background: step ${step + 1} of ${steps}${time}
  </span>`;
}

function costTemplate({ cost, level, state }: EditorPage, actions: EditorActions): TemplateResult {
  if (!cost) return html`<span class="hint">No edits yet.</span>`;
  return html`<span data-test="cost" title=${describeCost(cost)}>${describeCost(cost)}</span>
    <details class="cost-details">
      <summary data-action="details">Details</summary>
      <div class="popup">
        ${explainCost(cost).map((sentence) => html`<p>${sentence}</p>`)}
        ${cost.computed.length > 0 ? levelsTemplate(cost.activeFraction, level, actions) : nothing}
        ${
          cost.dense?.measured
            ? nothing
            : html`<button
                type="button"
                class="link"
                data-action="measure"
                title="Runs this edit again without the shortcut, to compare times. Your image is not changed."
                ?disabled=${state?.run !== undefined}
                @click=${actions.measure}
              >
                Time a Full Recompute
              </button>`
        }
      </div>
    </details>`;
}

/** Paints over the picture which positions a level computed. */
function levelsTemplate(
  fractions: readonly number[],
  shown: number | undefined,
  actions: EditorActions,
): TemplateResult {
  return html`<div class="levels-choice" role="group" aria-label="Computed areas by resolution">
    <span>Computed, from fine to coarse:</span>
    ${fractions.map(
      (fraction, level) => html`<button
        type="button"
        class="text-button"
        aria-pressed=${String(shown === level)}
        aria-label=${`Level ${level + 1}: ${formatShare(fraction)} was computed. Show where`}
        title=${`Show where level ${level + 1} was computed: ${formatShare(fraction)}`}
        data-action="level"
        @click=${() => actions.showLevel(shown === level ? undefined : level)}
      >
        ${formatShare(fraction)}
      </button>`,
    )}
  </div>`;
}
