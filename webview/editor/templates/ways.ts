import { html, nothing, type TemplateResult } from 'lit';
import { EDIT_WAYS, type EditWay, type Extension } from '../../../shared/editorProtocol.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { SIDES, type Side } from '../sides.ts';

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
    does: 'Paint what is masked, and around a selected object up to the dashed line',
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
    does: 'Paint the surroundings over what is masked, up to the dashed line',
    question: '',
  },
  extend: {
    name: 'Extend',
    button: 'Extend',
    does: 'Enlarge the canvas and paint what is new',
    question: 'What should the whole image show?',
  },
};

export const CROP: Omit<Way, 'question'> = {
  name: 'Crop',
  button: 'Crop',
  does: 'Cut off the edges of the image; no pixel is computed',
};

/** Chooses the kind of edit, with the fields that it needs. */
export function waysGroup(page: EditorPage, actions: EditorActions): TemplateResult {
  const { draft, crop } = page;
  const button = (id: string, { name, does }: Omit<Way, 'question'>, isChosen: boolean, choose: () => void) =>
    html`<button
      type="button"
      class="text-button way"
      aria-pressed=${String(isChosen)}
      title=${does}
      data-action=${`way-${id}`}
      @click=${choose}
    >
      ${name}
    </button>`;
  const way = (each: EditWay) =>
    button(each, WAYS[each], !crop && each === draft.way, () => actions.chooseWay(each));
  return html`<div class="ways" role="group" aria-label="What to edit">
      ${EDIT_WAYS.map(way)}${button('crop', CROP, crop !== undefined, actions.chooseCrop)}
    </div>
    ${crop ? cropFields(page, actions) : nothing}
    ${!crop && draft.way === 'extend' ? extendFields(draft.extension, actions) : nothing}
    ${!crop && draft.way === 'remove' ? html`<span class="hint">${WAYS.remove.does}.</span>` : nothing}`;
}

function extendFields(extension: Extension, actions: EditorActions): TemplateResult {
  const fields = sides('extend', 'Pixels to add', {
    ...LIMITS.extension,
    step: LIMITS.size.multipleOf,
    values: extension,
    onChange: (extension) => actions.edit({ extension }),
  });
  return html`${fields}<span class="hint">All outside of the inner dashed line is painted.</span>`;
}

function cropFields({ crop, stage, masked }: EditorPage, actions: EditorActions): TemplateResult {
  const { width, height } = stage.picture?.size ?? { width: 0, height: 0 };
  const { left, top, right, bottom } = crop!;
  return html`${sides('crop', 'Pixels to cut off', {
    min: 0,
    max: Math.max(width, height),
    step: 1,
    values: crop!,
    onChange: actions.setCrop,
  })}
    <div class="row">
      <span class="hint grow" data-test="cropSize">
        ${Math.max(0, width - left - right)} × ${Math.max(0, height - top - bottom)} pixels stay
      </span>
      <button
        type="button"
        class="text-button framed"
        title="Keep the smallest rectangle around the mask"
        data-action="cropToMask"
        ?disabled=${!masked}
        @click=${actions.cropToMask}
      >
        To Mask
      </button>
    </div>`;
}

interface SideFields {
  min: number;
  max: number;
  step: number;
  values: Extension;
  onChange: (values: Extension) => void;
}

/** Fields for the pixels at each side, as an alternative to dragging. */
function sides(
  name: string,
  title: string,
  { min, max, step, values, onChange }: SideFields,
): TemplateResult {
  const field = (side: Side) => html`<label class="amount">
    ${side}
    <input
      type="number"
      min=${min}
      max=${max}
      step=${step}
      .value=${String(values[side])}
      aria-label=${`${title} at the ${side}`}
      data-action=${`${name}-${side}`}
      @change=${({ target }: Event) => {
        const pixels = Math.round((target as HTMLInputElement).valueAsNumber);
        if (Number.isFinite(pixels)) onChange({ ...values, [side]: Math.min(max, Math.max(min, pixels)) });
      }}
    />
  </label>`;
  return html`<span class="hint">${title}</span>
    <div class="sides" role="group" aria-label=${title}>${SIDES.map(field)}</div>`;
}
