import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { hindranceOfAdditions } from '../../shared/additions.ts';
import { formatEstimate, formatShare } from '../../shared/format.ts';
import { LIMITS } from '../../shared/limits.ts';
import { SCHEDULER_TITLES, SIGMA_TITLES } from '../../shared/schedulers.ts';
import { parseSeed } from '../../shared/seed.ts';
import { withStyle } from '../../shared/styles.ts';
import { formatMacs } from '../../shared/units.ts';
import type { Draft, FormFacts, TypedDraft } from '../../shared/viewProtocol.ts';
import { hasNoWords, unknownWords } from '../../shared/vocabulary.ts';
import { additionsTemplate } from '../additions/template.ts';
import { seedError, selectField, submitting, textField } from '../fields.ts';
import type { Actions, Page } from './page.ts';
import { sizeChoices } from './sizes.ts';
import { examples } from './words.ts';

const CUSTOM = 'custom';

/** The form that asks for images. */
export function form(page: Page, actions: Actions): TemplateResult {
  const { draft, state } = page;
  const badSeed = parseSeed(draft.seed) === null;
  const hindrance = hindranceOfAdditions(draft.additions, state.facts?.readsImages);
  const ready = !badSeed && !hindrance && draft.prompt.trim() !== '';
  const { submit, keys } = submitting(ready, actions.generate);
  return html`<form class="form" aria-label="New image" @submit=${submit} @keydown=${keys}>
    <div class="ask">${promptField(page, actions)} ${submitRow(page, ready, hindrance, actions)}</div>
    <div class="options">
      ${draftingField(page, actions)} ${budgetField(page, actions)} ${optionFields(page, badSeed, actions)}
      ${additionsTemplate(page.additions)}
      ${hindrance ? html`<span class="hint" data-test="hindrance">${hindrance}</span>` : nothing}
    </div>
  </form>`;
}

function promptField({ draft, state }: Page, actions: Actions): TemplateResult {
  return html`<label for="prompt">Prompt</label>
    ${textField({
      id: 'prompt',
      label: 'Prompt',
      rows: 3,
      weighs: true,
      placeholder: 'What should the image show?',
      value: draft.prompt,
      onInput: (prompt) => actions.edit({ prompt }),
    })}
    ${wordsHint(draft, state.facts, actions)}`;
}

function submitRow(
  { draft, state }: Page,
  ready: boolean,
  hindrance: string | undefined,
  actions: Actions,
): TemplateResult {
  return html`<div class="row submit">
    <vscode-button
      icon="sparkle"
      data-action="generate"
      title=${ready ? 'Generate (Ctrl+Enter)' : (hindrance ?? 'Enter a prompt first')}
      ?disabled=${!ready}
      @click=${actions.generate}
    >
      Generate
    </vscode-button>
    <span class="hint" data-test="time">${time(draft, state.facts)}</span>
    <span class="row">
      <button type="button" class="link" @click=${actions.getModels}>Models…</button>
      <button type="button" class="link" @click=${actions.openSettings}>Settings…</button>
    </span>
  </div>`;
}

function optionFields(page: Page, badSeed: boolean, actions: Actions): TemplateResult {
  const { draft, state } = page;
  const { defaults, models } = state.facts ?? {};
  const titles = models?.map(({ id, title }) => [id, title] as const);
  return html`<div class="fields">
      ${sizeField(page, actions)}
      ${styleField(page, actions)}
      ${choice('model', 'Model', draft.model, titles, (model) => actions.edit({ model }))}
      ${field('images', 'Images', 'count', page, actions, { placeholder: '1' })}
      ${field('steps', 'Steps', 'steps', page, actions, { placeholder: defaultOf(defaults?.steps) })}
      ${field('guidance', 'Guidance', 'guidance', page, actions, { placeholder: defaultOf(defaults?.guidance) })}
      ${field('seed', 'Seed', 'seed', page, actions, { placeholder: 'Random', invalid: badSeed })}
      ${choice('sampler', 'Sampler', draft.scheduler, samplers(state.facts), (scheduler) => actions.edit({ scheduler }))}
      ${choice('sigmas', 'Sigmas', draft.sigmas, SIGMAS, (sigmas) => actions.edit({ sigmas }))}
      ${field('clip-skip', 'Clip skip', 'clipSkip', page, actions, { placeholder: 'As trained' })}
      ${choice('precision', 'Precision', draft.precision, PRECISIONS, (precision) => actions.edit({ precision }))}
    </div>
    ${seedError(badSeed)} ${styledHint(page)}
    <label for="negative">Negative prompt</label>
    ${textField({
      id: 'negative',
      label: 'Negative prompt',
      placeholder: 'What should it not show?',
      value: draft.negativePrompt,
      onInput: (negativePrompt) => actions.edit({ negativePrompt }),
    })}`;
}

/** Whether a draft is drawn while the form is typed, and why there is none. */
function draftingField({ state: { drafting } }: Page, actions: Actions): TemplateResult {
  const choose = (event: Event) => actions.setDrafting((event.target as HTMLInputElement).checked);
  return html`<div class="row wrap">
    <vscode-checkbox
      id="drafting"
      label="Draft while typing"
      .checked=${live(drafting.on)}
      @change=${choose}
    ></vscode-checkbox>
    <span class="hint" data-test="no-draft">${(drafting.on && drafting.hindrance) || ''}</span>
  </div>`;
}

/** One slider from a draft to the full image, with what it costs and how it is spent. */
function budgetField({ draft, state: { facts } }: Page, actions: Actions): TemplateResult {
  const { min, max } = LIMITS.budget;
  const share = Number(draft.budget || max);
  const choose = (event: Event) => {
    const percent = Number((event.target as HTMLInputElement).value);
    actions.edit({ budget: percent === 100 * max ? '' : String(percent / 100) });
  };
  const { cost } = facts ?? {};
  return html`<div class="field budget">
    <label for="budget">Compute budget: ${formatShare(share)}</label>
    <input
      type="range"
      id="budget"
      min=${100 * min}
      max=${100 * max}
      step="5"
      .value=${live(String(Math.round(100 * share)))}
      aria-describedby="budgetCost"
      aria-valuetext=${`${formatShare(share)} of the full image's computing`}
      @input=${choose}
    />
    <span class="hint" id="budgetCost" data-test="cost">${cost ? `${formatMacs(cost.macs)}: ${cost.means}` : ''}</span>
  </div>`;
}

const SIGMAS = [['', 'Default'], ...Object.entries(SIGMA_TITLES)] as const;

const PRECISIONS = [
  ['', 'Automatic'],
  ['fp32', 'fp32'],
  ['fp16', 'fp16, on GPUs that have it'],
  ['int8', 'int8'],
  ['int4', 'int4'],
] as const;

function samplers(facts: FormFacts | undefined): (readonly [string, string])[] {
  if (!facts) return [['', 'Default']];
  return [
    ['', `${SCHEDULER_TITLES[facts.defaults.scheduler]} (default)`],
    ...Object.entries(SCHEDULER_TITLES),
  ];
}

function defaultOf(value: number | undefined): string {
  return value === undefined ? 'Default' : `${value} (default)`;
}

/** The approximate time, if similar images were generated here. */
function time({ count }: Draft, facts: FormFacts | undefined): string {
  if (!facts?.seconds) return '';
  const all = facts.seconds * Math.max(1, Number(count) || 1);
  return all < 2 ? '' : formatEstimate(all);
}

/** Words that the model does not know are named while they are typed; an empty prompt gets examples. */
function wordsHint(
  { prompt }: Draft,
  facts: FormFacts | undefined,
  actions: Actions,
): TemplateResult | typeof nothing {
  if (!facts?.words) return nothing;
  if (!prompt.trim()) return html`<div class="chips" aria-label="Examples">${examples(actions)}</div>`;
  const unknown = unknownWords(facts.words, prompt);
  if (unknown.length > 0)
    return html`<span class="hint" data-test="unknown-typed">Not known to this model: ${unknown.join(', ')}</span>`;
  return hasNoWords(prompt)
    ? html`<span class="hint" data-test="unknown-typed">This model knows no word of this prompt.</span>`
    : nothing;
}

function field(
  id: string,
  label: string,
  name: keyof TypedDraft,
  { draft }: Page,
  actions: Actions,
  more: { placeholder: string; invalid?: boolean },
): TemplateResult {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${textField({ id, label, value: draft[name], ...more, onInput: (value) => actions.edit({ [name]: value }) })}
  </div>`;
}

function styleField({ draft, state: { facts } }: Page, actions: Actions): TemplateResult {
  const names = (facts?.styles ?? []).map(({ name }) => [name, name] as const);
  return choice('style', 'Style', draft.style, [['', 'None'], ...names], (style) => actions.edit({ style }));
}

/** What the chosen style adds to a prompt. */
function styledHint({ draft, state: { facts } }: Page): TemplateResult | typeof nothing {
  const style = facts?.styles.find(({ name }) => name === draft.style);
  if (!style) return nothing;
  const { prompt, negativePrompt } = withStyle({ prompt: '…', negativePrompt: '', style });
  return html`<span class="hint" data-test="styled">
    Prompt: “${prompt}”${negativePrompt ? html`; not: “${negativePrompt}”` : nothing}
  </span>`;
}

function choice(
  id: string,
  label: string,
  value: string,
  options: readonly (readonly [string, string])[] = [['', 'Default']],
  onChange: (value: string) => void,
): TemplateResult {
  // Values that are not offered, such as a model's folder, stay chosen.
  const all = options.some(([each]) => each === value) ? options : [...options, [value, value] as const];
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${selectField({ id, label, value, options: all, onChange })}
  </div>`;
}

function sizeField(page: Page, actions: Actions): TemplateResult {
  const { draft, customSize, state } = page;
  const choices = sizeChoices(state.facts);
  const custom = customSize || !choices.some(([value]) => value === draft.size);
  const choose = (size: string) => {
    if (size === CUSTOM) return actions.setCustomSize(true);
    if (customSize) actions.setCustomSize(false);
    actions.edit({ size });
  };
  return html`${choice('size', 'Size', custom ? CUSTOM : draft.size, [...choices, [CUSTOM, 'Custom…']], choose)}
  ${
    custom
      ? html`<div class="field">
          <label for="customSize">Width × height</label>
          ${textField({
            id: 'customSize',
            label: 'Width × height',
            placeholder: '512x768',
            value: draft.size,
            onInput: (size) => actions.edit({ size }),
          })}
        </div>`
      : nothing
  }`;
}
