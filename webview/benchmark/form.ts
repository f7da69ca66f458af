import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { ref } from 'lit/directives/ref.js';
import type { BenchmarkDraft, BenchmarkState } from '../../shared/benchmark/protocol.ts';
import { caseTitle } from '../../shared/benchmark/titles.ts';
import { selectField, textField } from '../fields.ts';
import type { Actions, Page } from './page.ts';

type Field = keyof BenchmarkDraft;

/** What the next run is to be. */
export function formTemplate({ state, draft, canvas }: Page, actions: Actions): TemplateResult {
  const cases = draft.scope === 'step' ? state.offers.stepCases : state.offers.wholeCases;
  const chosen = cases.filter(({ name }) => draft.cases.includes(name));
  const masked = chosen.some((offer) => offer.masked);
  const shared = chosen.some((offer) => offer.shared);
  const running = state.run !== undefined;
  return html`<form class="form" aria-label="New run" @submit=${(event: Event) => event.preventDefault()}>
    <h2>New run</h2>
    ${select('model', 'Model', draft, actions, [
      ['', 'Scenes (embedded)'],
      ['folder', 'A model folder…'],
      ...state.offers.architectures.map((name): [string, string] => [name, `${name}, synthetic weights`]),
    ])}
    ${draft.model === 'folder' ? picker(draft.folder, 'Choose Folder…', 'pickModel', actions.pickModel) : nothing}
    ${select('scope', 'What is run', draft, actions, [
      ['step', 'One U-Net step'],
      ['whole', 'Whole pictures'],
    ])}
    ${text('size', 'Size', draft, actions, "The model's own, or like 512x512")}
    <fieldset>
      <legend>Modes</legend>
      ${cases.map(({ name }) => choice('cases', name, caseTitle(name), draft, actions))}
    </fieldset>
    ${
      cases.some((offer) => offer.looks && draft.cases.includes(offer.name))
        ? select('segmenter', 'Segmenter', draft, actions, [
            ['', 'Embedded'],
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
      masked
        ? select('maskKind', 'Mask', draft, actions, [
            ['share', 'A share of the picture'],
            ['drawn', 'Drawn here'],
            ['file', 'A file'],
          ])
        : nothing
    }
    ${masked && draft.maskKind === 'share' ? text('share', 'Share in percent', draft, actions) : nothing}
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
        ? html`${text('prompt', 'Picture', draft, actions)} ${text('editPrompt', 'Edit', draft, actions)}
          ${text('steps', 'Steps', draft, actions, "The model's own")}`
        : nothing
    }
    ${shared ? text('workers', 'Workers', draft, actions, 'How many, like 2, 4') : nothing}
    ${text('threads', shared ? 'Threads of each worker' : 'Threads', draft, actions, 'One for each core')}
    ${text('repeat', 'Timed runs of each', draft, actions)}
    ${flag('profile', 'Profile operators', 'One more load and run of each mode', draft, actions)}
    ${flag('isolate', 'Memory of each mode alone', 'One more load and run of each, in a process of its own', draft, actions)}
    ${costTemplate(state.cost)}
    <vscode-button icon="play" data-action="run" ?disabled=${running} @click=${actions.run}>Run</vscode-button>
  </form>`;
}

/** Runs that are made ready, with what they cost. */
export function presetsTemplate({ offers, run }: BenchmarkState, actions: Actions): TemplateResult {
  const preset = ({ id, title, description, cost }: (typeof offers.presets)[number]) => html`
    <section class="preset" aria-labelledby=${`preset-${id}`}>
      <h2 id=${`preset-${id}`}>${title}</h2>
      <p>${description}</p>
      ${costTemplate(cost)}
      <vscode-button
        secondary
        icon="play"
        data-preset=${id}
        aria-describedby=${`preset-${id}`}
        ?disabled=${run !== undefined}
        @click=${() => actions.preset(id)}
      >
        Run
      </vscode-button>
    </section>
  `;
  return html`${offers.presets.map(preset)}`;
}

function costTemplate(cost: readonly string[]): TemplateResult | typeof nothing {
  return cost.length > 0 ? html`<p class="hint" data-test="cost">${cost.join(' ')}</p>` : nothing;
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
  field: 'cases' | 'precisions',
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
    <span class="path" title=${chosen}>${chosen || 'Nothing is chosen yet.'}</span>
    <vscode-button secondary data-action=${action} @click=${pick}>${title}</vscode-button>
  </div>`;
}

function isChecked(event: Event): boolean {
  return (event.target as HTMLElement & { checked: boolean }).checked;
}
