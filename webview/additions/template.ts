import { html, nothing, type TemplateResult } from 'lit';
import type { AdditionPlace, ControlRow, LoraRow, ReferenceRow, RegionRow } from '../../shared/additions.ts';
import { LIMITS } from '../../shared/limits.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { typedIn } from '../fields.ts';
import type { AdditionsForm } from './form.ts';

type List = AdditionPlace['list'];

const HINTS: readonly (readonly [ControlRow['hint'], string])[] = [
  ['', 'Image as it is'],
  ['canny', 'Its edges (canny)'],
  ['scribble', 'A scribble of it'],
];

/** LoRA files, control images, reference images and regions, each list open if it has rows. */
export function additionsTemplate(form: AdditionsForm): TemplateResult {
  const { loras, controls, references, regions } = form.rows;
  return html`<div class="additions">
    <button
      type="button"
      class="link"
      title="Embeddings, wildcards and LoRA files that prompts can name"
      data-action="pick-word"
      @click=${() => form.pickWord()}
    >
      Insert an embedding or wildcard…
    </button>
    ${list(form, 'loras', {
      title: 'LoRA',
      add: 'Add a LoRA…',
      rows: loras.map((row, at) => loraRow(form, row, at)),
    })}
    ${list(form, 'controls', {
      title: 'Control images',
      about: 'Steer the shapes: a scribble, edges, depth or pose, for a ControlNet or T2I-Adapter.',
      add: 'Drop or choose an image…',
      rows: controls.map((row, at) => controlRow(form, row, at)),
    })}
    ${list(form, 'references', {
      title: 'Reference images',
      about: form.readsImages
        ? 'Are read by the model, beside the prompt.'
        : 'Are seen like words of the prompt, by an IP-Adapter.',
      add: 'Drop or choose an image…',
      rows: references.map((row, at) => referenceRow(form, row, at)),
      more:
        references.length > 0 && !form.readsImages
          ? modelButton(form, 'references', -1, form.rows.referenceModel)
          : nothing,
    })}
    ${list(form, 'regions', {
      title: 'Regions',
      about: 'Parts of the image with a prompt of their own.',
      add: 'Drop or choose an image that is white there…',
      rows: regions.map((row, at) => regionRow(form, row, at)),
      more: form.masks ? maskedRegion(form.masks) : nothing,
    })}
  </div>`;
}

function list(
  form: AdditionsForm,
  name: List,
  parts: {
    title: string;
    about?: string;
    add: string;
    rows: readonly TemplateResult[];
    more?: TemplateResult | typeof nothing;
  },
): TemplateResult {
  const { title, about, add, rows, more = nothing } = parts;
  const place: AdditionPlace = { list: name, field: name === 'loras' ? 'lora' : 'picture', at: -1 };
  const takes = name !== 'loras';
  return html`<details
    class="addition-list ${form.over === name ? 'over' : ''}"
    data-list=${name}
    ?open=${rows.length > 0}
    @dragover=${takes ? over(form, name) : nothing}
    @dragleave=${takes ? () => form.hover(undefined) : nothing}
    @drop=${takes ? drop(form, place) : nothing}
  >
    <summary>${title}${rows.length > 0 ? ` (${rows.length})` : ''}</summary>
    ${about && rows.length === 0 ? html`<p class="hint">${about}</p>` : nothing} ${rows}
    <button type="button" class="well" data-action=${`add-${name}`} @click=${() => form.choose(place)}>
      ${add}
    </button>
    ${more}
  </details>`;
}

/** An image that is dragged over a list is added there, and its recipe is left alone. */
function over(form: AdditionsForm, name: List) {
  return (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    form.hover(name);
  };
}

function drop(form: AdditionsForm, place: AdditionPlace) {
  return (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    void form.drop(place, event);
  };
}

function loraRow(form: AdditionsForm, { lora, strength, on }: LoraRow, at: number): TemplateResult {
  const { words = [], problem } = form.factsOf(lora) ?? {};
  return html`<div class="addition" data-row=${`loras-${at}`}>
    <div class="row">
      ${toggle(form, 'loras', at, on, modelTitle(lora), lora)}
      ${strengthField(form, 'loras', at, strength, { label: 'Strength', ...LIMITS.loraStrength, step: 0.05 })}
      ${removeButton(form, 'loras', at)}
    </div>
    ${
      words.length > 0
        ? html`<div class="trigger-words" aria-label="Trigger words">
            ${words.map(
              (word) =>
                html`<button
                  type="button"
                  class="trigger-word"
                  title="Add to the prompt"
                  data-action="insert-word"
                  @click=${() => form.insert(word)}
                >
                  ${word}
                </button>`,
            )}
          </div>`
        : nothing
    }
    ${problem ? html`<span class="error" role="alert">${problem}</span>` : nothing}
  </div>`;
}

function controlRow(form: AdditionsForm, row: ControlRow, at: number): TemplateResult {
  const { picture, model, on } = row;
  const change = (changed: Partial<ControlRow>) => form.change('controls', at, changed);
  return html`<div class="addition" data-row=${`controls-${at}`}>
    <div class="row">
      ${image(form, { list: 'controls', field: 'picture', at }, picture, 'Control image')}
      <div class="grow column">
        <div class="row">
          ${toggle(form, 'controls', at, on, `Control ${at + 1}`)}
          ${removeButton(form, 'controls', at)}
        </div>
        ${hintField(row, change)} ${modelButton(form, 'controls', at, model)}
      </div>
    </div>
    ${controlNumbers(row, change)}
  </div>`;
}

/** What is taken of a control image. */
export function hintField(
  { hint }: ControlRow,
  change: (change: Partial<ControlRow>) => void,
): TemplateResult {
  return html`<select
    aria-label="What is taken of the image"
    data-action="hint"
    @change=${(event: Event) => change({ hint: typedIn(event) as ControlRow['hint'] })}
  >
    ${HINTS.map(([value, title]) => html`<option value=${value} ?selected=${value === hint}>${title}</option>`)}
  </select>`;
}

/** How strongly a control image steers, and in which steps. */
export function controlNumbers(
  { strength, start, end }: ControlRow,
  change: (change: Partial<ControlRow>) => void,
): TemplateResult {
  const share = { min: 0, max: 100, step: 5, of: 100 };
  const number = (field: 'strength' | 'start' | 'end', value: number, about: NumberField) =>
    numberField(field, value, about, (value) => change({ [field]: value }));
  return html`<div class="row">
      ${number('strength', strength, { label: 'Strength', ...LIMITS.controlStrength, step: 0.05, shown: 'Strength' })}
    </div>
    <div class="row">
      ${number('start', 100 * start, { label: 'First share of the steps, in percent', ...share, shown: 'Steps from' })}
      ${number('end', 100 * end, { label: 'Last share of the steps, in percent', ...share, shown: 'to' })}
      <span class="hint">%</span>
    </div>`;
}

function referenceRow(form: AdditionsForm, row: ReferenceRow, at: number): TemplateResult {
  const { picture, strength, mask, on } = row;
  const place: AdditionPlace = { list: 'references', field: 'mask', at };
  const fromMask = form.masks;
  return html`<div class="addition" data-row=${`references-${at}`}>
    <div class="row">
      ${image(form, { list: 'references', field: 'picture', at }, picture, 'Reference image')}
      <div class="grow column">
        <div class="row">
          ${toggle(form, 'references', at, on, `Reference ${at + 1}`)} ${removeButton(form, 'references', at)}
        </div>
        ${strengthField(form, 'references', at, strength, { label: 'Strength', ...LIMITS.referenceStrength, step: 0.05, shown: 'Strength' })}
        ${
          mask
            ? html`<div class="row">
                ${image(form, place, mask, 'Where the reference is seen')}
                <button
                  type="button"
                  class="link"
                  data-action="everywhere"
                  @click=${() => form.change('references', at, { mask: '' })}
                >
                  Everywhere
                </button>
              </div>`
            : html`<button
                type="button"
                class="link"
                data-action="only-where"
                title="The result sees this reference only where an image is white"
                ?disabled=${fromMask && !fromMask.available()}
                @click=${() => (fromMask ? fromMask.give(place) : form.choose(place))}
              >
                ${fromMask ? 'Only where it is masked now' : 'Only in a part…'}
              </button>`
        }
      </div>
    </div>
  </div>`;
}

function regionRow(form: AdditionsForm, { picture, prompt, on }: RegionRow, at: number): TemplateResult {
  const name = `Prompt of region ${at + 1}`;
  return html`<div class="addition" data-row=${`regions-${at}`}>
    <div class="row">
      ${image(form, { list: 'regions', field: 'picture', at }, picture, 'Region')}
      <div class="grow column">
        <div class="row">
          ${toggle(form, 'regions', at, on, `Region ${at + 1}`)} ${removeButton(form, 'regions', at)}
        </div>
        <input
          type="text"
          class="region-prompt"
          placeholder="What is there, and around it?"
          aria-label=${name}
          title=${name}
          maxlength=${LIMITS.promptCharacters}
          .value=${prompt}
          data-action="region-prompt"
          @input=${(event: Event) => form.change('regions', at, { prompt: typedIn(event) })}
        />
      </div>
    </div>
  </div>`;
}

/** Makes what is masked in the image a region. */
function maskedRegion(masks: NonNullable<AdditionsForm['masks']>): TemplateResult {
  return html`<button
    type="button"
    class="link"
    data-action="masked-region"
    ?disabled=${!masks.available()}
    @click=${() => masks.give({ list: 'regions', field: 'picture', at: -1 })}
  >
    Add what is masked now
  </button>`;
}

function modelButton(form: AdditionsForm, list: List, at: number, model: string): TemplateResult {
  const what = list === 'controls' ? 'ControlNet' : 'IP-Adapter';
  return html`<button
    type="button"
    class="link ${model ? '' : 'missing'}"
    title=${model || `Choose the ${what} that reads it`}
    data-action=${`model-${list}`}
    @click=${() => form.choose({ list, field: 'model', at })}
  >
    ${model ? modelTitle(model) : `Choose ${list === 'controls' ? 'a' : 'an'} ${what}…`}
  </button>`;
}

/** A thumbnail that another image can be dropped on. */
function image(form: AdditionsForm, place: AdditionPlace, picture: string, label: string): TemplateResult {
  return html`<button
    type="button"
    class="addition-image"
    title=${`${label}: choose another…`}
    aria-label=${`${label}: choose another…`}
    data-picture=${picture}
    @click=${() => form.choose(place)}
    @dragover=${over(form, place.list)}
    @drop=${drop(form, place)}
  >
    <img src=${form.thumbnail(picture) ?? nothing} alt="" />
  </button>`;
}

function toggle(
  form: AdditionsForm,
  list: List,
  at: number,
  on: boolean,
  name: string,
  title = name,
): TemplateResult {
  return html`<label class="row grow toggle" title=${title}>
    <input
      type="checkbox"
      .checked=${on}
      data-action="toggle"
      @change=${({ target }: Event) => form.change(list, at, { on: (target as HTMLInputElement).checked })}
    />
    <span class="clip">${name}</span>
  </label>`;
}

interface NumberField {
  label: string;
  min: number;
  max: number;
  step: number;
  shown?: string;
  /** The value is this many times what the field stands for. */
  of?: number;
}

function strengthField(
  form: AdditionsForm,
  list: 'loras' | 'references',
  at: number,
  value: number,
  about: NumberField,
): TemplateResult {
  return numberField('strength', value, about, (strength) => form.change(list, at, { strength }));
}

function numberField(
  action: string,
  value: number,
  { label, min, max, step, shown, of = 1 }: NumberField,
  onChange: (value: number) => void,
): TemplateResult {
  const change = (event: Event) => {
    const typed = Number(typedIn(event));
    const given = typedIn(event) !== '' && Number.isFinite(typed) ? typed : value;
    onChange(Math.min(max, Math.max(min, given)) / of);
  };
  return html`<label class="number">
    ${shown ? html`<span>${shown}</span>` : nothing}
    <input
      type="number"
      min=${min}
      max=${max}
      step=${step}
      .value=${String(Math.round(100 * value) / 100)}
      aria-label=${label}
      data-action=${action}
      @change=${change}
    />
  </label>`;
}

function removeButton(form: AdditionsForm, list: List, at: number): TemplateResult {
  return iconButton('close', 'Remove', 'remove', () => form.remove(list, at));
}

function iconButton(icon: string, title: string, action: string, onClick: () => void): TemplateResult {
  return html`<button
    type="button"
    class="addition-button"
    title=${title}
    aria-label=${title}
    data-action=${action}
    @click=${onClick}
  >
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;
}
