import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { formatSeconds, recipeRows } from '../../shared/format.ts';
import { type ImageAction, imageContext } from '../../shared/imageActions.ts';
import type { LiveDraft, RecentPicture } from '../../shared/viewProtocol.ts';
import { unknownWarning } from '../../shared/vocabulary.ts';
import { compareTemplate } from '../compare/compare.ts';
import { failureTemplate } from '../failure.ts';
import { noticeTemplate } from '../notice.ts';
import { form } from './form.ts';
import { comparedIn, gridBar, gridTemplate } from './grid.ts';
import type { Actions, Page } from './page.ts';
import { drag, placeholder } from './parts.ts';
import { interruptedTemplate, queueTemplate } from './queue.ts';
import { unknownTemplate } from './words.ts';

export function viewTemplate(page: Page, actions: Actions): TemplateResult {
  const { state } = page;
  const shown = state.pictures.find(({ id }) => id === state.shown);
  const { making } = state;
  const free = !(state.following && making) && !state.live;
  const over = (event: DragEvent) => {
    event.preventDefault();
    if (!page.dropping) actions.setDropping(true);
  };
  const leave = ({ relatedTarget }: DragEvent) => relatedTarget === null && actions.setDropping(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    actions.drop(event);
  };
  const pair = comparedIn(page);
  if (pair) return compareTemplate(pair, { back: 'Back to the Grid', whole: page.whole }, actions);
  return html`
    <main
      class="layout"
      data-state=${making ? 'running' : 'idle'}
      @dragover=${over}
      @dragleave=${leave}
      @drop=${drop}
    >
      <section class="side">${form(page, actions)}</section>
      <section class="stage" aria-label="Image">
        ${interruptedTemplate(state.interrupted, actions)}
        ${queueTemplate(state.jobs, actions)}
        ${state.failure ? failureTemplate(state.failure, actions) : nothing}
        ${stageTemplate(page, shown, actions)}
        ${noticeTemplate(state.notice, actions)}
        ${gridBar(page, actions)} ${shown && free && !state.grid ? below(page, shown, actions) : nothing}
        ${state.pictures.length > 0 ? strip(page, actions) : nothing}
        ${shown && !state.grid && free ? recipe(shown) : nothing}
      </section>
      ${
        page.dropping
          ? html`<div class="dropping"><span>Drop an image to use its recipe</span></div>`
          : nothing
      }
    </main>
  `;
}

/** The draft of the form, the running image, the images of a batch, or one image. */
function stageTemplate(page: Page, shown: RecentPicture | undefined, actions: Actions): TemplateResult {
  const { state, pictures } = page;
  if (state.live && pictures.live) return draftTemplate(state.live, pictures.live);
  if (state.grid) return gridTemplate(page, state.grid, actions);
  if (state.following && state.making) {
    const { preview } = pictures;
    return html`<div class="frame" aria-busy="true">
      ${preview ? html`<img class="picture" src=${preview} alt="The image so far" />` : placeholder('loading', '')}
    </div>`;
  }
  const url = shown && pictures.url(shown.id);
  if (!shown) return html`<div class="frame">${placeholder('file-media', 'Your images appear here')}</div>`;
  const { prompt, width, height } = shown.recipe;
  const batch = state.pictures.filter(({ batch }) => batch && batch === shown.batch);
  return html`<div class="frame">
    <img
      class="picture"
      src=${url ?? shown.thumbnail}
      alt=${url ? prompt : ''}
      width=${width}
      height=${height}
      data-id=${shown.id}
      data-vscode-context=${imageContext([shown.id])}
      @dragstart=${(event: DragEvent) => drag(event, shown, pictures)}
    />
    ${
      batch.length > 1
        ? html`<button type="button" class="link corner" @click=${() => actions.showGrid(shown.batch!)}>
            Show all ${batch.length}
          </button>`
        : nothing
    }
  </div>`;
}

function draftTemplate({ prompt, width, height, seconds, refined }: LiveDraft, url: string): TemplateResult {
  return html`<div class="frame" data-test="draft" data-refined=${refined}>
      <img class="picture" src=${url} alt=${`Draft of “${prompt}”`} width=${width} height=${height} />
      <span class="corner hint">${refined ? 'Refined draft' : 'Draft'}, ${formatSeconds(seconds)}</span>
    </div>
    <div class="hint">Drafts are not kept. <em>Generate</em> makes this image and keeps it.</div>`;
}

/** Actions on the shown image, and the words that its model did not know. */
function below({ state }: Page, shown: RecentPicture, actions: Actions): TemplateResult {
  const { prompt, model } = shown.recipe;
  const named = state.unknown.length > 0 ? unknownWarning(model, state.unknown) : undefined;
  const others = shown.warnings.filter((warning) => warning !== named);
  return html`${warningsTemplate(others)} ${toolbar(shown, state.hasFolder, actions)}
  ${unknownTemplate(prompt, state.unknown, actions)}`;
}

/** Warnings about an image, such as ignored parts of the prompt. */
function warningsTemplate(warnings: readonly string[]): TemplateResult | typeof nothing {
  if (warnings.length === 0) return nothing;
  return html`<div class="unknown" role="status" data-test="warnings">
    <span class="codicon codicon-warning" aria-hidden="true"></span>
    <div>${[...new Set(warnings)].map((warning) => html`<p>${warning}</p>`)}</div>
  </div>`;
}

function toolbar({ id }: RecentPicture, hasFolder: boolean, actions: Actions): TemplateResult {
  const run = (action: ImageAction | 'copy' | 'again') => () => {
    if (action === 'copy') actions.copy(id);
    else if (action === 'again') actions.again(id);
    else actions.act(action, [id]);
  };
  const button = (action: ImageAction | 'again', icon: string, title: string, primary = false) =>
    html`<vscode-button ?secondary=${!primary} icon=${icon} data-action=${action} @click=${run(action)}>
      ${title}
    </vscode-button>`;
  const small = (action: ImageAction | 'copy', icon: string, title: string) =>
    html`<vscode-button
      secondary
      icon-only
      icon=${icon}
      data-action=${action}
      title=${title}
      aria-label=${title}
      @click=${run(action)}
    ></vscode-button>`;
  return html`<div class="row wrap toolbar" role="toolbar" aria-label="Image actions">
    ${button('save', 'save', hasFolder ? 'Save to Workspace' : 'Save…', true)}
    ${button('edit', 'edit-sparkle', 'Edit')}
    ${button('insertLink', 'markdown', 'Insert Markdown Link')}
    ${button('again', 'refresh', 'Another Seed')}
    ${button('useRecipe', 'reply', 'Use This Recipe')}
    ${button('upscale', 'zoom-in', 'Upscale…')}
    ${small('copy', 'copy', 'Copy Image')}
    ${small('copyPrompt', 'clippy', 'Copy Prompt')}
    ${small('delete', 'trash', 'Delete')}
  </div>`;
}

function strip({ state }: Page, actions: Actions): TemplateResult {
  const thumbnail = (picture: RecentPicture) => html`<button
    type="button"
    class="thumbnail"
    aria-pressed=${picture.id === state.shown ? 'true' : 'false'}
    aria-label=${`Show “${picture.recipe.prompt}”, seed ${picture.recipe.seed}`}
    title=${`${picture.recipe.prompt} (seed ${picture.recipe.seed})`}
    data-vscode-context=${imageContext([picture.id])}
    @click=${() => actions.show(picture.id)}
  >
    <img src=${picture.thumbnail} alt="" draggable="false" />
  </button>`;
  return html`<div class="strip" role="group" aria-label="Latest images">
    ${repeat([...state.pictures].reverse(), ({ id }) => id, thumbnail)}
    <button type="button" class="link" data-action="gallery" @click=${actions.openGallery}>Gallery…</button>
  </div>`;
}

function recipe(picture: RecentPicture): TemplateResult {
  return html`<section aria-labelledby="recipe">
    <h2 id="recipe">Recipe</h2>
    <dl class="recipe">
      ${recipeRows(picture).map(
        ([label, value]) =>
          html`<dt>${label}</dt><dd data-recipe=${label} class=${label.toLowerCase().includes('prompt') ? 'long' : ''}>${value}</dd>`,
      )}
    </dl>
  </section>`;
}
