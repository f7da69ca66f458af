import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { recipeRows } from '../../shared/format.ts';
import { parseSeed } from '../../shared/seed.ts';
import type { Draft, PictureInfo, ViewState } from '../../shared/viewProtocol.ts';
import { failureTemplate } from '../failure.ts';
import { seedError, submitting, textField } from '../fields.ts';
import { type CommonActions, runTemplate } from '../parts.ts';
import type { PictureCache } from '../pictureCache.ts';

export interface Page {
  state: ViewState;
  draft: Draft;
  pictures: PictureCache;
}

export interface Actions extends CommonActions {
  edit(change: Partial<Draft>): void;
  generate(): void;
  again(id: string): void;
  show(id: string): void;
  save(id: string): void;
  openSaved(id: string): void;
  copy(id: string): void;
  insertLink(id: string): void;
  editPicture(id: string): void;
}

export function viewTemplate(page: Page, actions: Actions): TemplateResult {
  const { state } = page;
  const shown = state.pictures.find(({ id }) => id === state.shown);
  return html`
    <main class="layout" data-state=${state.run ? 'running' : 'idle'}>
      <section class="stage" aria-label="Picture">
        ${pictureTemplate(page, shown)}
        ${state.run ? runTemplate(state.run, 'Generating', actions) : shown ? toolbar(shown, actions) : nothing}
        ${state.failure ? failureTemplate(state.failure, actions) : nothing}
        ${state.run ? nothing : noticeTemplate(state.notice, shown, actions)}
        ${state.pictures.length > 1 ? strip(page, actions) : nothing}
      </section>
      <section class="side">
        ${form(page, actions)}
        ${shown && !state.run ? recipe(shown) : nothing}
      </section>
    </main>
  `;
}

function pictureTemplate({ state, pictures }: Page, shown: PictureInfo | undefined): TemplateResult {
  if (state.run) {
    const preview = pictures.preview;
    return html`<div class="frame" aria-busy="true">
      ${preview ? html`<img class="picture" src=${preview} alt="The picture so far" />` : placeholder('loading', '')}
    </div>`;
  }
  const url = shown && pictures.url(shown.id);
  if (!shown || !url) return html`<div class="frame">${placeholder('file-media', 'No picture yet')}</div>`;
  const { prompt, width, height } = shown.recipe;
  return html`<div class="frame">
    <img class="picture" src=${url} alt=${prompt} width=${width} height=${height} data-id=${shown.id} />
  </div>`;
}

function placeholder(icon: string, text: string): TemplateResult {
  const spin = icon === 'loading' ? 'codicon-modifier-spin' : '';
  return html`<div class="empty">
    <span class="codicon codicon-${icon} ${spin}" aria-hidden="true"></span>
    <span>${text}</span>
  </div>`;
}

function toolbar({ id }: PictureInfo, actions: Actions): TemplateResult {
  return html`<div class="row wrap" role="toolbar" aria-label="Picture actions">
    <vscode-button icon="save" data-action="save" @click=${() => actions.save(id)}>Save to Workspace</vscode-button>
    <vscode-button secondary icon="edit-sparkle" data-action="edit" @click=${() => actions.editPicture(id)}>
      Edit
    </vscode-button>
    <vscode-button secondary icon="copy" data-action="copy" @click=${() => actions.copy(id)}>
      Copy Picture
    </vscode-button>
    <vscode-button secondary icon="markdown" data-action="insertLink" @click=${() => actions.insertLink(id)}>
      Insert Markdown Link
    </vscode-button>
    <vscode-button secondary icon="refresh" data-action="again" @click=${() => actions.again(id)}>
      Another Seed
    </vscode-button>
  </div>`;
}

/** What went well; the live region speaks it, so it is no live region itself. */
function noticeTemplate(
  notice: string | undefined,
  shown: PictureInfo | undefined,
  actions: Actions,
): TemplateResult {
  const open =
    shown?.savedAs && notice
      ? html`<button type="button" class="link" data-action="openSaved" @click=${() => actions.openSaved(shown.id)}>
          Open the file
        </button>`
      : nothing;
  return html`<div class="notice"><span data-test="notice">${notice ?? nothing}</span> ${open}</div>`;
}

function strip({ state, pictures }: Page, actions: Actions): TemplateResult {
  const thumbnail = (picture: PictureInfo) => html`<button
    class="thumbnail"
    aria-pressed=${picture.id === state.shown ? 'true' : 'false'}
    aria-label=${`Show “${picture.recipe.prompt}”, seed ${picture.recipe.seed}`}
    title=${`${picture.recipe.prompt} (seed ${picture.recipe.seed})`}
    @click=${() => actions.show(picture.id)}
  >
    <img src=${pictures.url(picture.id) ?? nothing} alt="" />
  </button>`;
  return html`<div class="strip" role="group" aria-label="Pictures of this view">
    ${repeat(state.pictures, ({ id }) => id, thumbnail)}
  </div>`;
}

function form({ state, draft }: Page, actions: Actions): TemplateResult {
  const running = state.run !== undefined;
  const badSeed = parseSeed(draft.seed) === null;
  const ready = !running && !badSeed && draft.prompt.trim() !== '';
  const { submit, keys } = submitting(ready, actions.generate);
  return html`<form class="form" aria-label="New picture" @submit=${submit} @keydown=${keys}>
    <label for="prompt">Prompt</label>
    ${textField({
      ...{ id: 'prompt', label: 'Prompt', rows: 4, placeholder: 'What should the picture show?' },
      value: draft.prompt,
      onInput: (prompt) => actions.edit({ prompt }),
    })}
    <label for="negative">Negative prompt</label>
    ${textField({
      ...{ id: 'negative', label: 'Negative prompt', rows: 2, placeholder: 'What should it not show?' },
      value: draft.negativePrompt,
      onInput: (negativePrompt) => actions.edit({ negativePrompt }),
    })}
    <label for="seed">Seed</label>
    ${textField({
      ...{ id: 'seed', label: 'Seed', placeholder: 'At random', invalid: badSeed },
      value: draft.seed,
      onInput: (seed) => actions.edit({ seed }),
    })}
    ${seedError(badSeed)}
    <div class="row">
      <vscode-button
        icon="sparkle"
        data-action="generate"
        title="Generate (Ctrl+Enter)"
        ?disabled=${!ready}
        @click=${actions.generate}
      >
        Generate
      </vscode-button>
      <button type="button" class="link" @click=${actions.openSettings}>Size, steps, model…</button>
    </div>
  </form>`;
}

function recipe(picture: PictureInfo): TemplateResult {
  return html`<section aria-labelledby="recipe">
    <h2 id="recipe">Recipe</h2>
    <dl class="recipe">
      ${recipeRows(picture).map(([label, value]) => html`<dt>${label}</dt><dd data-recipe=${label}>${value}</dd>`)}
    </dl>
  </section>`;
}
