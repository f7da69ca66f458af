import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { formatBytes, recipeRows } from '../../shared/format.ts';
import { GALLERY_ORDERS, type GalleryOrder, matchesSearch, sortedPictures } from '../../shared/gallery.ts';
import type { GalleryPicture, GalleryState } from '../../shared/galleryProtocol.ts';
import { type ImageAction, imageContext } from '../../shared/imageActions.ts';
import { pictureNames } from '../../shared/names.ts';
import { compareTemplate } from '../compare/compare.ts';
import { dragImage } from '../drag.ts';
import { failureTemplate } from '../failure.ts';
import { selectField, textField } from '../fields.ts';
import { noticeTemplate } from '../notice.ts';

/** State that survives a reload. */
export interface Kept {
  search: string;
  order: GalleryOrder;
  showDeleted: boolean;
}

export interface Page {
  state: GalleryState;
  /** The list of images has arrived. */
  ready: boolean;
  kept: Kept;
  /** In order of clicks. */
  selected: string[];
  comparing: boolean;
  /** Compared images fit the window instead of showing every pixel. */
  whole: boolean;
  /** Addresses of loaded images. */
  urls: ReadonlyMap<string, string>;
}

export interface Actions {
  keep(change: Partial<Kept>): void;
  click(id: string, event: MouseEvent): void;
  selectAll(): void;
  clearSelection(): void;
  compare(comparing: boolean): void;
  setWhole(whole: boolean): void;
  act(action: ImageAction, ids: readonly string[]): void;
  copy(id: string): void;
  prepareDrag(id: string): void;
  noticeAction(): void;
  clear(): void;
  changeLimit(): void;
  openFolder(): void;
  openGallery(): void;
  generate(): void;
  showLog(): void;
  openSettings(): void;
}

const ORDER_TITLES: Record<GalleryOrder, string> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  prompt: 'By prompt',
  model: 'By model',
  largest: 'Largest first',
};

/** The images that are shown, in order. */
export function listed({ state, kept }: Page): GalleryPicture[] {
  const all = kept.showDeleted ? state.deleted : state.pictures;
  return sortedPictures(
    all.filter((picture) => matchesSearch(picture, kept.search)),
    kept.order,
  );
}

export function galleryTemplate(page: Page, actions: Actions): TemplateResult {
  const { state, kept, selected } = page;
  const pictures = listed(page);
  const chosen = pictures.filter(({ id }) => selected.includes(id));
  if (page.comparing && chosen.length === 2)
    return compareTemplate([chosen[0]!, chosen[1]!], { back: 'Gallery', whole: page.whole }, actions);
  return html`
    <main class=${state.inSideBar ? 'gallery narrow' : 'gallery'} data-state=${page.ready ? 'ready' : 'loading'}>
      ${bar(page, actions)}
      ${state.failure ? failureTemplate(state.failure, actions) : nothing}
      ${noticeTemplate(state.notice, actions)}
      ${kept.showDeleted ? html`<p class="hint">Deleted images are kept for 30 days.</p>` : nothing}
      <div class="body">
        ${pictures.length > 0 ? grid(pictures, page, actions) : emptyTemplate(page, actions)}
        ${chosen.length === 1 && !state.inSideBar ? details(chosen[0]!, page, actions) : nothing}
      </div>
      ${footer(page, actions)}
    </main>
  `;
}

function bar(page: Page, actions: Actions): TemplateResult {
  const { kept, state, selected } = page;
  return html`<div class="bar row wrap" role="toolbar" aria-label="Gallery">
    <div class="search">
      ${textField({
        id: 'search',
        label: 'Search',
        placeholder: 'Search prompts, models, seeds…',
        value: kept.search,
        onInput: (search) => actions.keep({ search }),
      })}
    </div>
    ${
      state.inSideBar
        ? nothing
        : html`<div class="order">
            ${selectField({
              id: 'order',
              label: 'Order',
              value: kept.order,
              options: GALLERY_ORDERS.map((order) => [order, ORDER_TITLES[order]] as const),
              onChange: (order) => actions.keep({ order: order as GalleryOrder }),
            })}
          </div>`
    }
    ${
      state.deleted.length > 0 || kept.showDeleted
        ? html`<vscode-button
            secondary
            data-action="deleted"
            @click=${() => actions.keep({ showDeleted: !kept.showDeleted })}
          >
            ${kept.showDeleted ? 'Back to Gallery' : `Deleted (${state.deleted.length})`}
          </vscode-button>`
        : nothing
    }
    ${selected.length > 0 && !state.inSideBar ? selectionBar(page, actions) : nothing}
  </div>`;
}

/** Actions on the selection. */
function selectionBar({ selected, kept }: Page, actions: Actions): TemplateResult {
  const button = (title: string, icon: string, action: string, run: () => void) => html`<vscode-button
    secondary
    icon=${icon}
    data-action=${action}
    @click=${run}
  >
    ${title}
  </vscode-button>`;
  return html`<span class="row wrap">
    <span data-test="selected">${selected.length} selected</span>
    ${
      kept.showDeleted
        ? button('Restore', 'discard', 'restore', () => actions.act('restore', selected))
        : html`${button('Save', 'save', 'save', () => actions.act('save', selected))}
          ${button('Delete', 'trash', 'delete', () => actions.act('delete', selected))}`
    }
    ${
      selected.length === 2
        ? button('Compare', 'split-horizontal', 'compare', () => actions.compare(true))
        : html`<span class="hint">${selected.length === 1 ? 'Ctrl+click another one to compare' : ''}</span>`
    }
  </span>`;
}

function grid(pictures: readonly GalleryPicture[], page: Page, actions: Actions): TemplateResult {
  const { selected, kept, state } = page;
  const tile = (picture: GalleryPicture) => {
    const { id, recipe, thumbnail } = picture;
    const isSelected = selected.includes(id);
    const menu = isSelected ? selected : [id];
    return html`<button
      type="button"
      class="tile"
      role="option"
      aria-selected=${isSelected ? 'true' : 'false'}
      aria-label=${`${recipe.prompt}, seed ${recipe.seed}`}
      title=${`${recipe.prompt}\nSeed ${recipe.seed}, ${recipe.width} × ${recipe.height}`}
      data-id=${id}
      data-vscode-context=${imageContext(menu, kept.showDeleted)}
      @click=${(event: MouseEvent) => (state.inSideBar ? actions.act('show', [id]) : actions.click(id, event))}
      @dblclick=${() => !kept.showDeleted && actions.act('show', [id])}
      @pointerdown=${() => actions.prepareDrag(id)}
    >
      <img
        src=${thumbnail}
        alt=""
        loading="lazy"
        @dragstart=${(event: DragEvent) => {
          const [name] = pictureNames(recipe.prompt, recipe.seed);
          dragImage(event, { file: picture.file, name: name!, url: page.urls.get(id) });
        }}
      />
    </button>`;
  };
  return html`<div class="tiles" role="listbox" aria-label="Images" aria-multiselectable="true">
    ${repeat(pictures, ({ id }) => id, tile)}
  </div>`;
}

/** The selected image with its recipe. */
function details(picture: GalleryPicture, { kept }: Page, actions: Actions): TemplateResult {
  const { id, address, recipe, created } = picture;
  const button = (action: ImageAction | 'copy', title: string, primary = false) => html`<vscode-button
    ?secondary=${!primary}
    data-action=${`details-${action}`}
    @click=${() => (action === 'copy' ? actions.copy(id) : actions.act(action, [id]))}
  >
    ${title}
  </vscode-button>`;
  return html`<aside class="details" aria-label="Selected image">
    <img src=${address} alt=${recipe.prompt} data-vscode-context=${imageContext([id], kept.showDeleted)} />
    <div class="row wrap">
      ${
        kept.showDeleted
          ? button('restore', 'Restore', true)
          : html`${button('show', 'Open', true)} ${button('useRecipe', 'Use This Recipe')}
            ${button('edit', 'Edit')} ${button('saveAs', 'Save As…')} ${button('copy', 'Copy Image')}
            ${button('copyPrompt', 'Copy Prompt')} ${button('insertLink', 'Insert Markdown Link')}`
      }
    </div>
    <dl class="recipe">
      ${recipeRows(picture).map(
        ([label, value]) =>
          html`<dt>${label}</dt><dd class=${label.toLowerCase().includes('prompt') ? 'long' : ''}>${value}</dd>`,
      )}
      <dt>Generated</dt><dd>${new Date(created).toLocaleString()}</dd>
    </dl>
  </aside>`;
}

function emptyTemplate({ ready, kept, state }: Page, actions: Actions): TemplateResult {
  if (!ready) return html`<div class="empty"></div>`;
  const searching = kept.search.trim() !== '';
  const text = searching
    ? `No image matches “${kept.search}”.`
    : kept.showDeleted
      ? 'There are no deleted images.'
      : 'Every image that you generate is kept here.';
  return html`<div class="empty">
    <span class="codicon codicon-library" aria-hidden="true"></span>
    <span>${text}</span>
    ${
      searching || kept.showDeleted
        ? nothing
        : html`<vscode-button data-action="generate" @click=${actions.generate}>
            ${state.inSideBar ? 'Generate' : 'Generate an Image'}
          </vscode-button>`
    }
  </div>`;
}

/** What the gallery keeps, where, and its size. */
function footer({ state }: Page, actions: Actions): TemplateResult | typeof nothing {
  const { usage } = state;
  if (state.inSideBar)
    return state.pictures.length > 0
      ? html`<button type="button" class="link" @click=${actions.openGallery}>Open Gallery</button>`
      : nothing;
  if (!usage) return nothing;
  const { images, deleted, bytes, limitBytes, folder } = usage;
  const limit =
    limitBytes > 0
      ? `The oldest are removed beyond ${formatBytes(limitBytes)}.`
      : 'There is no limit to the space they take.';
  return html`<footer class="hint" data-test="usage">
    ${images} ${images === 1 ? 'image' : 'images'}${deleted > 0 ? ` and ${deleted} deleted` : ''}, ${formatBytes(bytes)},
    kept on this machine only, in
    <button type="button" class="link" title=${folder} @click=${actions.openFolder}>this folder</button
    >. ${limit}
    <button type="button" class="link" @click=${actions.changeLimit}>Change Limit…</button>
    <span aria-hidden="true">·</span>
    <button type="button" class="link" data-action="clear" @click=${actions.clear}>Clear…</button>
  </footer>`;
}
