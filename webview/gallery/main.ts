/// <reference types="vscode-webview" />
/**
 * The page of the gallery. The extension host owns the images, the page owns search, order, selection and comparison.
 */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import { messageOf } from '../../shared/errorMessage.ts';
import type { GalleryHostMessage, GalleryPageMessage } from '../../shared/galleryProtocol.ts';
import { Announcer } from '../announcer.ts';
import { copyBlob } from '../clipboard.ts';
import { clicked, without } from '../selection.ts';
import { type Actions, galleryTemplate, type Kept, listed, type Page } from './template.ts';

const vscode = acquireVsCodeApi<Kept>();
const announcer = new Announcer();
/** Images whose bytes were requested, to be copied or dragged. */
const blobs = new Map<string, string>();
let copying: string | undefined;

const page: Page = {
  state: { pictures: [], deleted: [], inSideBar: false },
  ready: false,
  kept: { search: '', order: 'newest', showDeleted: false, ...vscode.getState() },
  selected: [],
  comparing: false,
  whole: false,
  urls: blobs,
};

const actions: Actions = {
  keep(change) {
    page.kept = { ...page.kept, ...change };
    page.selected = [];
    page.comparing = false;
    update();
  },
  click(id, event) {
    page.selected = clicked(
      listed(page).map((picture) => picture.id),
      page.selected,
      id,
      event,
    );
    update();
  },
  selectAll() {
    page.selected = listed(page).map(({ id }) => id);
    update();
  },
  clearSelection() {
    page.selected = [];
    page.comparing = false;
    update();
  },
  compare(comparing) {
    page.comparing = comparing;
    update();
  },
  setWhole(whole) {
    page.whole = whole;
    update();
  },
  act: (action, ids) => send({ type: 'act', action, ids: [...ids] }),
  copy(id) {
    copying = id;
    send({ type: 'fetch', id });
  },
  prepareDrag: (id) => {
    if (!blobs.has(id)) send({ type: 'fetch', id });
  },
  noticeAction: () => send({ type: 'noticeAction' }),
  clear: () => send({ type: 'clear' }),
  changeLimit: () => send({ type: 'changeLimit' }),
  openFolder: () => send({ type: 'openFolder' }),
  openGallery: () => send({ type: 'openGallery' }),
  generate: () => send({ type: 'generate' }),
  showLog: () => send({ type: 'showLog' }),
  openSettings: () => send({ type: 'openSettings' }),
};

window.addEventListener('message', ({ data }: MessageEvent<GalleryHostMessage>) => receive(data));
window.addEventListener('keydown', (event) => {
  const typing = (event.target as HTMLElement).closest('vscode-textfield, vscode-single-select');
  if (event.key === 'Escape') actions.clearSelection();
  if (typing) return;
  if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    actions.selectAll();
  }
  if (event.key === 'Delete' && page.selected.length > 0 && !page.kept.showDeleted)
    actions.act('delete', page.selected);
});
send({ type: 'ready' });

function receive(message: GalleryHostMessage): void {
  switch (message.type) {
    case 'state':
      page.state = message.state;
      page.ready = true;
      if (message.state.notice) announcer.announce(message.state.notice.text);
      page.selected = without(
        page.selected,
        listed(page).map(({ id }) => id),
      );
      if (page.selected.length !== 2) page.comparing = false;
      update();
      break;
    case 'picture': {
      const blob = new Blob([message.png], { type: 'image/png' });
      if (message.id === copying) void put(blob);
      else blobs.set(message.id, URL.createObjectURL(blob));
      copying = undefined;
      break;
    }
    case 'copy':
      window.focus();
      actions.copy(message.id);
      break;
  }
}

async function put(blob: Blob): Promise<void> {
  try {
    await copyBlob(blob);
    send({ type: 'copied' });
  } catch (error) {
    send({ type: 'copyFailed', reason: messageOf(error) });
  }
}

function update(): void {
  vscode.setState(page.kept);
  render(galleryTemplate(page, actions), document.body);
}

function send(message: GalleryPageMessage): void {
  vscode.postMessage(message);
}
