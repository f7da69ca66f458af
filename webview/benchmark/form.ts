import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { ref } from 'lit/directives/ref.js';
import type { BenchmarkDraft, BenchmarkState, RunCost } from '../../shared/benchmark/protocol.ts';
import { caseAbout, caseTitle } from '../../shared/benchmark/titles.ts';
import { selectField, textField } from '../fields.ts';
import type { Actions, Page } from './page.ts';

type Field = keyof BenchmarkDraft;

/** The whole form, behind *Customise*. Its button stays in view wherever the column is scrolled to. */
export function formTemplate(page: Page, actions: Actions): TemplateResult {
  const { customising } = page;
  return html`<details
      class="customise"
      ?open=${customising}
      @toggle=${(event: Event) => actions.customise((event.target as HTMLDetailsElement).open)}
    >
      <summary data-action="customise"><h2 class="customise-title">Customise</h2></summary>
      ${
        // Select fields read their options' text, which has to be rendered for that.
        customising
          ? html`<form class="form" aria-label="Custom run" @submit=${(event: Event) => event.preventDefault()}>
              ${fieldsTemplate(page, actions)}
            </form>`
          : nothing
      }
    </details>
    ${customising ? barTemplate(page, actions) : nothing}`;
}

function barTemplate({ state, draft }: Page, actions: Actions): TemplateResult {
  const { time, problem } = state.cost;
  return html`<div class="bar" role="group" aria-label="Run the form">
    ${costTemplate(state.cost)}
    <vscode-button
      icon="play"
      data-action="run"
      title=${problem ?? time ?? ''}
      ?disabled=${state.run !== undefined || problem !== undefined}
      @click=${() => actions.run(draft)}
    >
      Run
    </vscode-button>
  </div>`;
}

function fieldsTemplate({ state, draft, canvas }: Page, actions: Actions): TemplateResult {
  const cases = draft.scope === 'step' ? state.offers.stepCases : state.offers.wholeCases;
  const chosen = cases.filter(({ name }) => draft.cases.includes(name));
  const masked = chosen.some((offer) => offer.masked);
  const shared = chosen.some((offer) => offer.shared);
  return html`
    ${select('model', 'Model', draft, actions, [
      ['', 'Scenes (built in)'],
      ['folder', 'A model folder…'],
      ...state.offers.architectures.map((name): [string, string] => [name, `${name}, synthetic weights`]),
    ])}
    ${draft.model === 'folder' ? picker(draft.folder, 'Choose Folder…', 'pickModel', actions.pickModel) : nothing}
    ${select('scope', 'Workload', draft, actions, [
      ['step', 'One denoising step'],
      ['whole', 'Whole images'],
    ])}
    ${text('size', 'Size', draft, actions, "The model's own, or like 512x512")}
    <fieldset>
      <legend>Modes</legend>
      ${cases.map(({ name }) => modeTemplate(name, draft, actions))}
    </fieldset>
    ${
      cases.some((offer) => offer.looks && draft.cases.includes(offer.name))
        ? select('segmenter', 'Object selector', draft, actions, [
            ['', 'Built in'],
            ...state.offers.segmenters.map((name): [string, string] => [name, `${name}, synthetic weights`]),
          ])
        : nothing
    }
    ${
      state.offers.precisions.length > 1
        ? html`<fieldset>
            <legend>Precisions</legend>
            ${state.offers.precisions.map((name) => choice('precisions', name, name, draft, actions))}
          </fieldset>`
        : nothing
    }
    ${
      state.offers.devices.length > 1
        ? html`<fieldset>
            <legend>Devices</legend>
            ${state.offers.devices.map(({ id, title }) => choice('devices', id, title, draft, actions))}
            <p class="hint">Several are compared in one run; none stands for the one that images are computed on.</p>
          </fieldset>`
        : nothing
    }
    ${
      masked
        ? select('maskKind', 'Mask', draft, actions, [
            ['share', 'An area in the middle'],
            ['drawn', 'Draw a mask'],
            ['file', 'A file'],
            ['sige', "SIGE's three masks"],
          ])
        : nothing
    }
    ${masked && draft.maskKind === 'share' ? text('share', 'Mask area (%)', draft, actions) : nothing}
    ${masked && draft.maskKind === 'file' ? picker(draft.maskFile, 'Choose Mask…', 'pickMask', actions.pickMask) : nothing}
    <div class="drawing" ?hidden=${!masked || draft.maskKind !== 'drawn'}>
      <mask-canvas ${ref((element) => canvas(element))} @change=${actions.drawn}></mask-canvas>
      <div class="row">
        <span class="hint grow">Paint what is computed; Shift erases.</span>
        <vscode-button secondary data-action="clearMask" @click=${actions.clearMask}>Clear</vscode-button>
      </div>
    </div>
    ${
      draft.scope === 'whole'
        ? html`${text('prompt', 'Prompt of the image', draft, actions)}
          ${text('editPrompt', 'Prompt of the edit', draft, actions)}
          ${text('steps', 'Steps', draft, actions, "The model's own")}`
        : nothing
    }
    ${shared ? text('workers', 'Workers', draft, actions, 'How many, like 2, 4') : nothing}
    ${text('threads', shared ? 'Threads of each worker' : 'Threads', draft, actions, 'One per core')}
    ${text('repeat', 'Timed runs per mode', draft, actions)}
    ${flag('profile', 'Time per operator', 'Loads and runs each mode once more.', draft, actions)}
    ${flag('isolate', 'Memory per mode', 'Loads and runs each mode once more, in a process of its own.', draft, actions)}
  `;
}

/** Presets for newcomers: each starts with one click and says how long it takes. */
export function presetsTemplate({ offers, run }: BenchmarkState, actions: Actions): TemplateResult {
  const preset = (offer: (typeof offers.presets)[number]) => {
    const { id, title, description, action, cost } = offer;
    return html`<section class="preset" aria-labelledby=${`preset-${id}`}>
      <h2 id=${`preset-${id}`}>${title}</h2>
      <p>${description}</p>
      <div class="row wrap">
        <vscode-button
          secondary
          icon="play"
          data-preset=${id}
          ?disabled=${run !== undefined || cost?.problem !== undefined}
          @click=${() => actions.preset(offer)}
        >
          ${action}
        </vscode-button>
        <span class="hint" data-test="time" title=${cost?.details.join(' ') ?? ''}
          >${cost?.problem ?? cost?.time ?? ''}</span
        >
      </div>
    </section>`;
  };
  return html`${offers.presets.map(preset)}`;
}

function costTemplate({ time, details, problem }: RunCost): TemplateResult {
  if (problem !== undefined) return html`<p class="error" data-test="problem">${problem}</p>`;
  return html`<p class="hint" data-test="cost" title=${details.join(' ')}>
    <span data-test="time">${time ?? ''}</span> ${details.join(' ')}
  </p>`;
}

/** A mode with what it does. */
function modeTemplate(name: string, draft: BenchmarkDraft, actions: Actions): TemplateResult {
  return html`<div class="mode">
    ${choice('cases', name, caseTitle(name), draft, actions)}
    <p class="hint" id=${`about-${name}`}>${caseAbout(name)}</p>
  </div>`;
}

function select(
  field: Field,
  label: string,
  draft: BenchmarkDraft,
  { edit }: Actions,
  options: readonly [value: string, title: string][],
): TemplateResult {
  return html`<div class="field">
    <label for=${field}>${label}</label>
    ${selectField({
      id: field,
      label,
      options,
      value: draft[field] as string,
      onChange: (value) => edit({ [field]: value }),
    })}
  </div>`;
}

function text(
  field: Field,
  label: string,
  draft: BenchmarkDraft,
  { edit }: Actions,
  placeholder = '',
): TemplateResult {
  return html`<div class="field">
    <label for=${field}>${label}</label>
    ${textField({
      id: field,
      label,
      placeholder,
      value: draft[field] as string,
      onInput: (value) => edit({ [field]: value }),
    })}
  </div>`;
}

/** One of several that may be chosen together. */
function choice(
  field: 'cases' | 'precisions' | 'devices',
  name: string,
  title: string,
  draft: BenchmarkDraft,
  { edit, order }: Actions,
): TemplateResult {
  const toggle = (event: Event) => {
    const others = draft[field].filter((other) => other !== name);
    edit({ [field]: order(field, isChecked(event) ? [...others, name] : others) });
  };
  return html`<vscode-checkbox
    label=${title}
    data-choice=${name}
    .checked=${live(draft[field].includes(name))}
    @change=${toggle}
  ></vscode-checkbox>`;
}

function flag(
  field: 'profile' | 'isolate',
  title: string,
  hint: string,
  draft: BenchmarkDraft,
  { edit }: Actions,
): TemplateResult {
  return html`<vscode-checkbox
    label=${title}
    title=${hint}
    data-choice=${field}
    .checked=${live(draft[field])}
    @change=${(event: Event) => edit({ [field]: isChecked(event) })}
  ></vscode-checkbox>`;
}

function picker(chosen: string, title: string, action: string, pick: () => void): TemplateResult {
  return html`<div class="field">
    <span class="path" title=${chosen}>${chosen || 'Nothing chosen yet.'}</span>
    <vscode-button secondary data-action=${action} @click=${pick}>${title}</vscode-button>
  </div>`;
}

function isChecked(event: Event): boolean {
  return (event.target as HTMLElement & { checked: boolean }).checked;
}
