import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { EditRow } from '../../../shared/editorProtocol.ts';
import { formatSeconds, formatShare } from '../../../shared/format.ts';
import { icon } from '../icons.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { iconButton, slider } from './button.ts';

/** All edits of the picture, the upper ones above: each can be hidden, faded, moved, used again and run again. */
export function editsSection(page: EditorPage, actions: EditorActions): TemplateResult | typeof nothing {
  const { edits, state } = page;
  if (edits.length === 0) return nothing;
  const busy = state?.run !== undefined;
  const latest = edits.findLast(({ shown }) => shown);
  const row = (edit: EditRow) => html`<li
    class="edit"
    data-shown=${String(edit.shown)}
    aria-label=${titleOf(edit)}
    aria-current=${edit === latest ? 'true' : nothing}
  >
    ${
      edit.kind === 'crop'
        ? html`<span class="edit-icon">${icon('screen-normal')}</span>`
        : html`<img src=${page.drawnEdits.get(edit.picture) ?? nothing} alt="" />`
    }
    <div class="grow">
      <div class="edit-title" title=${titleOf(edit)}>${titleOf(edit)}</div>
      <div class="hint">${detailsOf(edit)}</div>
    </div>
    <div class="edit-actions">
      ${iconButton({
        icon: edit.shown ? 'eye' : 'eye-closed',
        title: edit.shown ? 'Hide This Edit' : 'Show This Edit',
        action: 'showEdit',
        disabled: busy,
        onClick: () => actions.showEdit(edit.id, !edit.shown),
      })}
      ${iconButton({
        icon: 'history',
        title: 'Go Back to This Edit: Hide Those After It',
        action: 'goBack',
        disabled: busy || edit === edits.at(-1),
        onClick: () => actions.goBack(edit.id),
      })}
      ${
        edit.reusable
          ? html`${iconButton({
              icon: 'reply',
              title: 'Use Its Mask, Prompt and Seed Again',
              action: 'useEdit',
              onClick: () => actions.useEdit(edit.id),
            })}
            ${iconButton({
              icon: 'refresh',
              title: 'Run Again With Another Seed, in Place of This Edit',
              action: 'runAgain',
              disabled: busy,
              onClick: () => actions.runAgain(edit.id),
            })}`
          : nothing
      }
      ${
        edits.length > 1
          ? html`${mover(edit, 1, busy || edit === edits.at(-1), actions)}
            ${mover(edit, -1, busy || edit === edits[0], actions)}`
          : nothing
      }
      ${edit.opacity === undefined ? nothing : opacitySlider(edit, page, actions)}
    </div>
    ${edit.variations.length > 0 ? variationsOf(edit, page, actions) : nothing}
  </li>`;
  return html`<section aria-labelledby="edits-title">
    <h2 id="edits-title">Edits</h2>
    <ol class="edits" reversed>
      ${repeat([...edits].reverse(), ({ id }) => id, row)}
    </ol>
  </section>`;
}

function mover({ id }: EditRow, by: 1 | -1, disabled: boolean, actions: EditorActions): TemplateResult {
  return iconButton({
    icon: by > 0 ? 'arrow-up' : 'arrow-down',
    title: by > 0 ? 'Move Up: Lay It Over the Next Edit' : 'Move Down: Lay It Below the Edit Before',
    action: by > 0 ? 'moveEditUp' : 'moveEditDown',
    disabled,
    onClick: () => actions.moveEdit(id, by),
  });
}

function opacitySlider(
  { id, opacity: settled }: EditRow,
  { fading, state }: EditorPage,
  actions: EditorActions,
): TemplateResult {
  const opacity = fading?.id === id ? fading.opacity : settled!;
  return slider({
    label: 'Opacity',
    text: `${Math.round(100 * opacity)} %`,
    title: 'How much of this edit is seen over what is below it',
    min: 0,
    max: 1,
    step: 0.05,
    value: opacity,
    action: 'fadeEdit',
    disabled: state?.run !== undefined,
    onInput: (value) => actions.fadeEdit(id, value, false),
    onChange: (value) => actions.fadeEdit(id, value, true),
  });
}

/** The seeds that were tried: another one can take the place of the edit. */
function variationsOf(
  { id: edit, variations, picture }: EditRow,
  { drawnEdits, state }: EditorPage,
  actions: EditorActions,
): TemplateResult {
  const one = ({ id, seed }: { id: string; seed: number }) => html`<button
    type="button"
    class="kept-variation"
    aria-pressed=${String(id === picture)}
    aria-label=${`Variation with seed ${seed}`}
    title=${id === picture ? `Seed ${seed}, in the image` : `Use seed ${seed} instead`}
    data-action="varyEdit"
    ?disabled=${state?.run !== undefined}
    @click=${() => actions.varyEdit(edit, id)}
  >
    <img src=${drawnEdits.get(id) ?? nothing} alt="" />
    <span>${seed}</span>
  </button>`;
  return html`<div class="kept-variations" role="group" aria-label="Variations">
    ${repeat(variations, ({ id }) => id, one)}
  </div>`;
}

function titleOf({ prompt, label }: EditRow): string {
  return prompt ?? label;
}

function detailsOf({ seed, seconds, computed }: EditRow): string {
  const parts = [
    seconds !== undefined && formatSeconds(seconds),
    computed !== undefined && (computed < 1 ? `${formatShare(computed)} computed` : 'full recompute'),
    seed !== undefined && `seed ${seed}`,
  ];
  return parts.filter(Boolean).join(' · ');
}
