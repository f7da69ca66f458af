import { html, nothing, type TemplateResult } from 'lit';
import { imageContext } from '../../shared/imageActions.ts';
import type { Job } from '../../shared/jobs.ts';
import type { RecentPicture } from '../../shared/viewProtocol.ts';
import { without } from '../selection.ts';
import type { Actions, Page } from './page.ts';
import { drag, placeholder } from './parts.ts';

/** The images of a batch side by side, with places for those that are not there yet. */
export function gridTemplate(page: Page, batch: string, actions: Actions): TemplateResult {
  const { state, pictures } = page;
  const coming = state.jobs.filter((job) => job.batch === batch);
  const place = ({ running }: Job) => html`<div class="tile" aria-busy="true">
    ${running && pictures.preview ? html`<img src=${pictures.preview} alt="The image so far" />` : placeholder('loading', '')}
  </div>`;
  return html`<div class="frame grid" data-test="grid">
    ${madeIn(page).map((picture) => tile(page, picture, actions))}${coming.map(place)}
  </div>`;
}

function tile({ marked, pictures }: Page, picture: RecentPicture, actions: Actions): TemplateResult {
  const { id, recipe, thumbnail } = picture;
  const isMarked = marked.includes(id);
  return html`<div class=${isMarked ? 'tile marked' : 'tile'}>
    <button
      type="button"
      class="seen"
      title=${`Seed ${recipe.seed}`}
      aria-label=${`Show “${recipe.prompt}”, seed ${recipe.seed}`}
      data-vscode-context=${imageContext([id])}
      @click=${() => actions.show(id)}
    >
      <img src=${thumbnail} alt="" @dragstart=${(event: DragEvent) => drag(event, picture, pictures)} />
      <span class="caption">Seed ${recipe.seed}</span>
    </button>
    <button
      type="button"
      class="mark"
      data-action="mark"
      title=${isMarked ? 'Marked: click to unmark' : 'Mark to keep'}
      aria-label=${`Mark seed ${recipe.seed}`}
      aria-pressed=${isMarked ? 'true' : 'false'}
      @click=${() => actions.mark(id)}
    >
      <span class="codicon codicon-${isMarked ? 'star-full' : 'star-empty'}" aria-hidden="true"></span>
    </button>
  </div>`;
}

/** What can be done with the marked images of the grid, and with the others. */
export function gridBar(page: Page, actions: Actions): TemplateResult | typeof nothing {
  const all = madeIn(page).map(({ id }) => id);
  if (all.length === 0) return nothing;
  const marked = markedIn(page);
  const others = all.filter((id) => !marked.includes(id));
  if (marked.length === 0)
    return html`<div class="hint">Click an image to see it whole. Mark the good ones with the star.</div>`;
  const button = (action: string, icon: string, title: string, run: () => void) =>
    html`<vscode-button secondary icon=${icon} data-action=${action} @click=${run}>${title}</vscode-button>`;
  return html`<div class="row wrap toolbar" role="toolbar" aria-label="Marked images">
    <span data-test="marked">${marked.length} of ${all.length} marked</span>
    ${button('saveMarked', 'save', 'Save Marked', () => actions.act('save', marked))}
    ${
      others.length > 0
        ? button(
            'deleteOthers',
            'trash',
            others.length > 1 ? `Delete the Other ${others.length}` : 'Delete the Other One',
            () => actions.act('delete', others),
          )
        : nothing
    }
    ${
      marked.length === 2
        ? button('compare', 'split-horizontal', 'Compare', () => actions.compare(true))
        : html`<span class="hint">${marked.length === 1 ? 'Mark another one to compare' : ''}</span>`
    }
  </div>`;
}

/** The two images that are compared, if any are. */
export function comparedIn(page: Page) {
  const pair = markedIn(page).map((id) => page.state.pictures.find((picture) => picture.id === id)!);
  const [one, other] = pair.map((picture) => ({
    ...picture,
    address: page.pictures.url(picture.id) ?? picture.thumbnail,
  }));
  return page.comparing && one && other && pair.length === 2 ? ([one, other] as const) : undefined;
}

/** The images of the grid that are finished. */
function madeIn({ state }: Page): RecentPicture[] {
  return state.pictures.filter(({ batch }) => batch !== undefined && batch === state.grid);
}

/** Those of them that are marked; one may have been deleted since. */
function markedIn(page: Page): string[] {
  return without(
    page.marked,
    madeIn(page).map(({ id }) => id),
  );
}
