import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { MOST_VARIATIONS } from '../../../shared/editorProtocol.ts';
import { parseSeed } from '../../../shared/seed.ts';
import { failureTemplate } from '../../failure.ts';
import { seedError, selectField, submitting, textField } from '../../fields.ts';
import { runTemplate } from '../../parts.ts';
import type { EditorActions, EditorPage, MaskAction } from '../page.ts';
import { iconButton, slider } from './button.ts';

/** Mask, form and what came of it, at the right. */
export function sidePanel(page: EditorPage, actions: EditorActions): TemplateResult {
  const { state } = page;
  return html`<aside class="side" aria-label="Edit">
    ${maskSection(page, actions)} ${form(page, actions)}
    ${state?.failure ? failureTemplate(state.failure, actions) : nothing}
    ${state && state.variations.length > 0 ? variations(page, actions) : nothing}
    <div class="notice" data-test="notice">${state?.notice ?? nothing}</div>
  </aside>`;
}

function maskSection({ masked, maskShown, opacity }: EditorPage, actions: EditorActions): TemplateResult {
  const button = (action: MaskAction, name: string, title: string) =>
    iconButton({
      ...{ icon: name, title, action },
      disabled: !masked && action !== 'invert',
      onClick: () => actions.mask(action),
    });
  return html`<section aria-labelledby="mask-title">
    <div class="row">
      <h2 id="mask-title" class="grow">Mask</h2>
      ${iconButton({
        icon: maskShown ? 'eye' : 'eye-closed',
        title: maskShown ? 'Hide Mask (M)' : 'Show Mask (M)',
        action: 'toggleMask',
        disabled: !masked,
        onClick: actions.toggleMask,
      })}
      ${button('invert', 'color-mode', 'Invert Mask (I)')} ${button('grow', 'add', 'Grow Mask')}
      ${button('shrink', 'remove', 'Shrink Mask')}
      ${iconButton({
        icon: 'copy',
        title: 'Copy What Is Masked (Ctrl+C)',
        action: 'copySelection',
        disabled: !masked,
        onClick: () => actions.copy('selection'),
      })}
      ${iconButton({
        icon: 'export',
        title: 'Export Mask…',
        action: 'exportMask',
        disabled: !masked,
        onClick: actions.exportMask,
      })}
      ${button('clear', 'trash', 'Clear Mask (Delete)')}
    </div>
    ${slider({
      label: 'Opacity',
      text: `${Math.round(100 * opacity)} %`,
      ...{ min: 0.05, max: 1, step: 0.05, value: opacity, action: 'opacity' },
      onInput: actions.setOpacity,
    })}
  </section>`;
}

function form(page: EditorPage, actions: EditorActions): TemplateResult {
  const { draft, state, masked } = page;
  const run = state?.run;
  const badSeed = parseSeed(draft.seed) === null;
  const badSteps = !/^\s*\d*\s*$/.test(draft.steps);
  const ready = state !== undefined && !run && !badSeed && !badSteps && masked && draft.prompt.trim() !== '';
  const { submit, keys } = submitting(ready, actions.apply);
  return html`<form class="form" aria-label="Edit" @submit=${submit} @keydown=${keys}>
    <div class="row">
      <label class="grow" for="prompt">Prompt</label>
      ${iconButton({
        ...{ icon: 'history', title: 'Earlier Prompts…', action: 'pickPrompt' },
        onClick: actions.pickPrompt,
      })}
    </div>
    ${textField({
      ...{ id: 'prompt', label: 'Prompt', rows: 3, placeholder: 'What should be there?' },
      value: draft.prompt,
      onInput: (prompt) => actions.edit({ prompt }),
    })}
    <label for="negative">Negative prompt</label>
    ${textField({
      ...{ id: 'negative', label: 'Negative prompt', rows: 1, placeholder: 'What should not be there?' },
      value: draft.negativePrompt,
      onInput: (negativePrompt) => actions.edit({ negativePrompt }),
    })}
    ${slider({
      label: 'Strength',
      text: `${Math.round(100 * draft.strength)} %`,
      ...{ min: 0.05, max: 1, step: 0.05, value: draft.strength, action: 'strength' },
      onInput: (strength) => actions.edit({ strength }),
    })}
    <div class="fields">
      <label for="steps">Steps</label>
      ${textField({
        ...{ id: 'steps', label: 'Steps', placeholder: "Model's own", invalid: badSteps },
        value: draft.steps,
        onInput: (steps) => actions.edit({ steps }),
      })}
      <label for="seed">Seed</label>
      <div class="row seed">
        ${textField({
          ...{ id: 'seed', label: 'Seed', placeholder: 'At random', invalid: badSeed },
          value: draft.seed,
          onInput: (seed) => actions.edit({ seed, seedLocked: seed !== '' }),
        })}
        ${iconButton({
          icon: draft.seedLocked ? 'lock' : 'unlock',
          title: draft.seedLocked ? 'The seed is kept: unlock it' : 'A new seed each time: lock this one',
          action: 'lockSeed',
          pressed: draft.seedLocked,
          onClick: () => actions.edit({ seedLocked: !draft.seedLocked }),
        })}
      </div>
      <label for="precision">Precision</label>
      ${selectField({
        ...{ id: 'precision', label: 'Precision', value: draft.precision },
        options: [['', 'By the settings'], ...(state?.precisions ?? []).map((each) => [each, each] as const)],
        onChange: (precision) => actions.edit({ precision: precision as typeof draft.precision }),
      })}
      <label for="variations">Variations</label>
      ${selectField({
        ...{ id: 'variations', label: 'Variations', value: String(draft.variations) },
        options: Array.from({ length: MOST_VARIATIONS }, (_, i) => [String(i + 1), String(i + 1)]),
        onChange: (count) => actions.edit({ variations: Number(count) }),
      })}
    </div>
    ${seedError(badSeed)}
    ${badSteps ? html`<span class="error" role="alert">Steps are a whole number.</span>` : nothing}
    ${
      run
        ? html`${run.variations > 1 ? html`<span>Variation ${run.variation + 1} of ${run.variations}</span>` : nothing}
          ${runTemplate(run, state.measuring ? 'Measuring the dense edit' : 'Painting', actions)}`
        : html`<vscode-button
            class="apply"
            icon="sparkle"
            data-action="apply"
            title="Paint what is masked (Ctrl+Enter)"
            ?disabled=${!ready}
            @click=${actions.apply}
          >
            Apply
          </vscode-button>
          ${masked ? nothing : html`<span class="notice">Brush over what should change.</span>`}`
    }
  </form>`;
}

/** What there is to pick from: seen in the picture while the pointer or the focus is on one. */
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
