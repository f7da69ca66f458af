import { html, nothing, type TemplateResult } from 'lit';
import { live as liveValue } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import {
  type EditorState,
  type EditRun,
  MOST_VARIATIONS,
  needsMask,
  needsPrompt,
  takesColours,
} from '../../../shared/editorProtocol.ts';
import { formatEstimate, formatSeconds, formatShare } from '../../../shared/format.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { unknownWords } from '../../../shared/vocabulary.ts';
import { additionsTemplate } from '../../additions/template.ts';
import { failureTemplate } from '../../failure.ts';
import { seedError, selectField, submitting, textField } from '../../fields.ts';
import { progressTemplate, runTemplate } from '../../templates.ts';
import { hindranceOf, isBadSeed, isBadSteps } from '../hindrance.ts';
import type { EditorActions, EditorPage } from '../page.ts';
import { iconButton, slider } from './button.ts';
import { coloursSection, strengthSlider } from './colours.ts';
import { controlSection } from './control.ts';
import { editsSection } from './edits.ts';
import { maskSection } from './mask.ts';
import { CROP, WAYS, waysGroup } from './ways.ts';

/**
 * Right-hand panel: at the top, always visible, the prompt, the buttons and the results; below them mask, form and
 * edits.
 */
export function sidePanel(page: EditorPage, actions: EditorActions): TemplateResult {
  const { state } = page;
  const hindrance = hindranceOf(page);
  const { submit, keys } = submitting(!hindrance && !state?.run, actions.apply);
  return html`<aside class="side" aria-label="Edit" @keydown=${keys}>
    <div class="side-head">
      ${waysGroup(page, actions)}
      <form class="form" aria-label="Edit" @submit=${submit}>
        ${!page.crop && needsPrompt(page.draft.way) ? promptFields(page, actions) : nothing}
      </form>
      ${state?.failure ? failureTemplate(state.failure, actions) : nothing}
      ${state?.run ? running(state.run, state.measuring, actions) : applyButton(page, hindrance, actions)}
      ${state?.selecting ? selecting(state.selecting, actions) : nothing}
      ${
        state?.edited && state.losses
          ? html`<span class="hint" data-test="losses">On saving: ${state.losses}</span>`
          : nothing
      }
      <div class="notice" data-test="notice">${state?.notice ?? nothing}</div>
      ${state?.offer ? offerButton(state.offer, actions) : nothing}
      ${limitsTemplate(page, actions)}
    </div>
    <div class="side-scroll scroll">
      ${state && state.variations.length > 0 ? variations(page, actions) : nothing}
      ${coloursSection(page, actions)} ${maskSection(page, actions)} ${editsSection(page, actions)} ${controlSection(page, actions)}
      <form class="form" aria-label="Options" @submit=${submit}>
        ${optionFields(page, actions)} ${additionsTemplate(page.additions)}
      </form>
    </div>
  </aside>`;
}

/** Limits of a small model for this picture and this prompt. */
function limitsTemplate(
  { state, draft, crop }: EditorPage,
  actions: EditorActions,
): TemplateResult | typeof nothing {
  if (crop) return nothing;
  const { words, foreign } = state ?? {};
  const unknown = words && needsPrompt(draft.way) ? unknownWords(words, draft.prompt) : [];
  if (!foreign && unknown.length === 0) return nothing;
  return html`<div class="limits hint" data-test="limits">
    ${foreign ? html`<span>Scenes, the built-in model, paints only simple landscapes and does not know images like this one.</span>` : nothing}
    ${unknown.length > 0 ? html`<span>Scenes does not know: <strong>${unknown.join(', ')}</strong>.</span>` : nothing}
    <button type="button" class="link" data-action="getModels" @click=${actions.getModels}>
      Get a model that knows more…
    </button>
  </div>`;
}

function offerButton(
  { model, text }: NonNullable<EditorState['offer']>,
  actions: EditorActions,
): TemplateResult {
  return html`<vscode-button secondary data-action="getModel" @click=${() => actions.getModel(model)}>
    ${text}
  </vscode-button>`;
}

/** How long an edit may take, if it is long. */
function expectation(state: EditorState | undefined): string | undefined {
  const { mostSeconds, large } = state ?? {};
  if (mostSeconds !== undefined && mostSeconds >= 2) return `Takes up to ${formatEstimate(mostSeconds)}.`;
  if (mostSeconds === undefined && large) return 'A large image: an edit may take a while.';
  return undefined;
}

function applyButton(
  { state, draft, crop, live }: EditorPage,
  hindrance: string | undefined,
  actions: EditorActions,
): TemplateResult {
  const { button, does } = crop ? CROP : WAYS[draft.way];
  return html`<vscode-button
      class="apply"
      icon=${crop ? 'screen-normal' : 'sparkle'}
      data-action="apply"
      title=${hindrance ?? `${does} (Ctrl+Enter)`}
      aria-describedby="hindrance"
      ?disabled=${hindrance !== undefined}
      @click=${actions.apply}
    >
      ${button}
    </vscode-button>
    <span id="hindrance" class="hint" data-test="hindrance">${hindrance ?? nothing}</span>
    ${crop || draft.way !== 'mask' ? nothing : liveField(live, actions)}
    ${hindrance || crop ? nothing : html`<span class="hint" data-test="expectation">${expectation(state) ?? nothing}</span>`}`;
}

/** Whether drafts are shown while the mask is painted, how long the last one took, or why there is none. */
function liveField({ on, seconds, hindrance }: EditorPage['live'], actions: EditorActions): TemplateResult {
  const said = seconds === undefined ? hindrance : `Draft in the image · ${formatSeconds(seconds)}`;
  return html`<div class="row wrap">
    <vscode-checkbox
      id="live"
      label="Draft while painting"
      .checked=${liveValue(on)}
      @change=${(event: Event) => actions.setLive((event.target as HTMLInputElement).checked)}
    ></vscode-checkbox>
    <span class="hint" data-test="live">${(on && said) || nothing}</span>
  </div>`;
}

function running(run: EditRun, measuring: boolean, actions: EditorActions): TemplateResult {
  return html`${run.variations > 1 ? html`<span>Variation ${run.variation + 1} of ${run.variations}</span>` : nothing}
    ${runTemplate(run, measuring ? 'Timing a full recompute' : 'Painting', actions)}
    ${measuring ? nothing : html`<span class="hint">What you mark now is the next mask.</span>`}`;
}

function selecting(when: 'now' | 'later', actions: EditorActions): TemplateResult {
  const text = when === 'now' ? 'Finding the object…' : 'Finding the object when the engine is free…';
  const progress = { label: 'Selecting', done: 0, total: 0, text, cancelling: false };
  return progressTemplate(progress, { cancel: actions.cancelSelect });
}

function promptFields({ draft, state }: EditorPage, actions: EditorActions): TemplateResult {
  // The description of the whole image says nothing about a part.
  const madeFrom = needsMask(draft.way) ? undefined : state?.madeFrom;
  return html`
    <div class="row">
      <label class="grow" for="prompt">Prompt</label>
      ${iconButton({
        icon: 'history',
        title: 'Earlier Prompts…',
        action: 'pickPrompt',
        onClick: actions.pickPrompt,
      })}
    </div>
    ${textField({
      id: 'prompt',
      label: 'Prompt',
      rows: 3,
      weighs: true,
      placeholder: WAYS[draft.way].question,
      value: draft.prompt,
      onInput: (prompt) => actions.edit({ prompt }),
    })}
    ${
      madeFrom && madeFrom !== draft.prompt
        ? html`<button
            type="button"
            class="link made-from"
            title=${madeFrom}
            data-action="madeFrom"
            @click=${() => actions.edit({ prompt: madeFrom })}
          >
            Use the image's prompt: ${madeFrom}
          </button>`
        : nothing
    }`;
}

function optionFields({ draft, state, coloured }: EditorPage, actions: EditorActions): TemplateResult {
  return html`<label for="negative">Negative prompt</label>
    ${textField({
      id: 'negative',
      label: 'Negative prompt',
      rows: 1,
      placeholder: 'What should not be there?',
      value: draft.negativePrompt,
      onInput: (negativePrompt) => actions.edit({ negativePrompt }),
    })}
    ${coloured && takesColours(draft.way) ? nothing : strengthSlider(draft, actions)}
    ${slider({
      label: 'Compute budget',
      text: draft.budget === 0 ? 'Auto' : formatShare(draft.budget),
      title:
        'How much computing may be spent: little for a quick draft, 100 % for every step. Auto, at the left: what suits the model.',
      min: 0,
      max: LIMITS.budget.max,
      step: 0.05,
      value: draft.budget,
      action: 'budget',
      onInput: (budget) => actions.edit({ budget: budget && Math.max(budget, LIMITS.budget.min) }),
    })}
    <div class="fields">
      <label for="steps">Steps</label>
      ${textField({
        id: 'steps',
        label: 'Steps',
        placeholder: 'Model default',
        invalid: isBadSteps(draft),
        value: draft.steps,
        onInput: (steps) => actions.edit({ steps }),
      })}
      <label for="seed">Seed</label>
      <div class="row seed">
        ${textField({
          id: 'seed',
          label: 'Seed',
          placeholder: 'Random',
          invalid: isBadSeed(draft),
          value: draft.seed,
          onInput: (seed) => actions.edit({ seed, seedLocked: seed !== '' }),
        })}
        ${iconButton({
          icon: draft.seedLocked ? 'lock' : 'unlock',
          title: draft.seedLocked
            ? 'Seed locked: click to randomise'
            : 'Random seed each time: click to lock',
          action: 'lockSeed',
          pressed: draft.seedLocked,
          onClick: () => actions.edit({ seedLocked: !draft.seedLocked }),
        })}
      </div>
      <label for="precision">Precision</label>
      ${selectField({
        id: 'precision',
        label: 'Precision',
        value: draft.precision,
        options: [['', 'From settings'], ...(state?.precisions ?? []).map((each) => [each, each] as const)],
        onChange: (precision) => actions.edit({ precision: precision as typeof draft.precision }),
      })}
      <label for="variations">Variations</label>
      ${selectField({
        id: 'variations',
        label: 'Variations',
        value: String(draft.variations),
        options: Array.from({ length: MOST_VARIATIONS }, (_, i) => [String(i + 1), String(i + 1)]),
        onChange: (count) => actions.edit({ variations: Number(count) }),
      })}
    </div>
    ${
      needsMask(draft.way)
        ? html`<vscode-checkbox
            id="zoom"
            label="Enlarge small masks"
            title="The model works on a window around a small mask, enlarged to its own size: faces and signs get more detail, but it sees less of the image"
            .checked=${liveValue(draft.zoom)}
            @change=${(event: Event) => actions.edit({ zoom: (event.target as HTMLInputElement).checked })}
          ></vscode-checkbox>`
        : nothing
    }
    ${seedError(isBadSeed(draft))}
    ${isBadSteps(draft) ? html`<span class="error" role="alert">Steps must be a whole number.</span>` : nothing}`;
}

/** The variations: each is shown in the image while the pointer or the focus is on it. */
function variations({ state, thumbnails, seen }: EditorPage, actions: EditorActions): TemplateResult {
  const one = ({ id, seed }: { id: string; seed: number }, i: number) => html`<button
    type="button"
    class="thumbnail"
    aria-label=${`Variation ${i + 1}, seed ${seed}: take it`}
    aria-pressed=${String(id === seen)}
    title=${`Seed ${seed}`}
    data-action="pick"
    @pointerenter=${() => actions.see(id)}
    @focus=${() => actions.see(id)}
    @click=${() => actions.pick(id)}
  >
    <img src=${thumbnails.get(id) ?? nothing} alt="" />
    <span class="seed-label">${seed}</span>
  </button>`;
  return html`<section aria-labelledby="variations-title">
    <div class="row">
      <h2 id="variations-title" class="grow">Pick a variation</h2>
      <vscode-button secondary data-action="discard" ?disabled=${state?.run !== undefined} @click=${actions.discard}>
        Discard
      </vscode-button>
    </div>
    <div class="variations" @pointerleave=${() => actions.see(undefined)}>
      ${repeat(state!.variations, ({ id }) => id, one)}
    </div>
  </section>`;
}
