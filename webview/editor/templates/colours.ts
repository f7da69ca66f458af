import { html, nothing, type TemplateResult } from 'lit';
import { type EditDraft, takesColours } from '../../../shared/editorProtocol.ts';
import { COLOUR_STRENGTH } from '../../../shared/limits.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { iconButton, slider } from './button.ts';

/** The colours that edits begin with, where there are any. */
export function coloursSection(page: EditorPage, actions: EditorActions): TemplateResult | typeof nothing {
  const { coloured, draft, masked } = page;
  if (!coloured) return nothing;
  const what = draft.way === 'mask' && !masked ? 'what they cover is painted' : 'they count inside the mask';
  return html`<section aria-labelledby="colours-title" data-test="colours">
    <div class="row">
      <h2 id="colours-title" class="grow">Colours</h2>
      ${iconButton({
        icon: 'trash',
        title: 'Clear Colours',
        action: 'clearColours',
        onClick: actions.clearColours,
      })}
    </div>
    ${
      takesColours(draft.way)
        ? html`<p class="hint">The edit begins with these colours; ${draft.way === 'all' ? 'all of the image is painted' : what}.</p>
            ${strengthSlider(draft, actions, `Auto (${100 * COLOUR_STRENGTH} %)`)}`
        : html`<p class="hint">Only <em>Part</em> and <em>All</em> begin with colours.</p>`
    }
  </section>`;
}

export function strengthSlider(
  { strength }: EditDraft,
  actions: EditorActions,
  auto = 'Auto',
): TemplateResult {
  return slider({
    label: 'Strength',
    text: strength === 0 ? auto : `${Math.round(100 * strength)} %`,
    title:
      'How much changes: 100 % ignores the old pixels and painted colours. Auto, at the left: what suits the model.',
    min: 0,
    max: 1,
    step: 0.05,
    value: strength,
    action: 'strength',
    onInput: (strength) => actions.edit({ strength }),
  });
}
