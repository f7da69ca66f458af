import { html, nothing, type TemplateResult } from 'lit';
import { EDIT_WAYS, type EditWay, type Extension } from '../../../shared/editorProtocol.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { EditorActions, EditorPage } from '../page.ts';

interface Way {
  /** Short, for its button in the group. */
  name: string;
  /** Label of the button that starts the edit. */
  button: string;
  /** What the edit does. */
  does: string;
  /** Placeholder of the prompt field. */
  question: string;
}

export const WAYS: Readonly<Record<EditWay, Way>> = {
  mask: {
    name: 'Part',
    button: 'Apply',
    does: 'Paint what is masked',
    question: 'What should be there?',
  },
  all: {
    name: 'All',
    button: 'Repaint All',
    does: 'Repaint the whole image; Strength says how much changes',
    question: 'What should the image show?',
  },
  remove: {
    name: 'Remove',
    button: 'Remove',
    does: 'Paint the surroundings over what is masked, and a few pixels more',
    question: '',
  },
  extend: {
    name: 'Extend',
    button: 'Extend',
    does: 'Enlarge the canvas and paint what is new',
    question: 'What should the whole image show?',
  },
};

/** Chooses the kind of edit, with the fields that it needs. */
export function waysGroup({ draft }: EditorPage, actions: EditorActions): TemplateResult {
  const way = (each: EditWay) => html`<button
    type="button"
    class="text-button way"
    aria-pressed=${String(each === draft.way)}
    title=${WAYS[each].does}
    data-action=${`way-${each}`}
    @click=${() => actions.edit({ way: each })}
  >
    ${WAYS[each].name}
  </button>`;
  return html`<div class="ways" role="group" aria-label="What to edit">${EDIT_WAYS.map(way)}</div>
    ${draft.way === 'extend' ? sides(draft.extension, actions) : nothing}
    ${draft.way === 'remove' ? html`<span class="hint">${WAYS.remove.does}.</span>` : nothing}`;
}

/** Fields for the pixels to add at each side, as an alternative to dragging. */
function sides(extension: Extension, actions: EditorActions): TemplateResult {
  const side = (name: keyof Extension) => html`<label class="amount">
    ${name}
    <input
      type="number"
      min=${LIMITS.extension.min}
      max=${LIMITS.extension.max}
      step=${LIMITS.size.multipleOf}
      .value=${String(extension[name])}
      aria-label=${`Pixels to add at the ${name}`}
      data-action=${`extend-${name}`}
      @change=${({ target }: Event) => {
        const pixels = Math.round((target as HTMLInputElement).valueAsNumber);
        const { min, max } = LIMITS.extension;
        if (Number.isFinite(pixels))
          actions.edit({ extension: { ...extension, [name]: Math.min(max, Math.max(min, pixels)) } });
      }}
    />
  </label>`;
  return html`<div class="sides" role="group" aria-label="Pixels to add">
    ${(['left', 'top', 'right', 'bottom'] as const).map(side)}
  </div>`;
}
