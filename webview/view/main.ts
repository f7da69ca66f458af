/// <reference types="vscode-webview" />
/** The page of the Patchwork view. The extension host owns what is shown, the page owns its form. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import type { Draft, HostMessage, PageMessage, SavedView, ViewState } from '../../shared/viewProtocol.ts';
import { Announcer } from '../announcer.ts';
import { copyPicture, PictureCache } from '../pictureCache.ts';
import { type Actions, type Page, viewTemplate } from './template.ts';

const vscode = acquireVsCodeApi<SavedView>();
const saved = vscode.getState();
const pictures = new PictureCache((id) => send({ type: 'fetch', id }));
const announcer = new Announcer();

const page: Page = {
  state: { pictures: [] },
  draft: saved?.draft ?? { prompt: '', negativePrompt: '', seed: '' },
  pictures,
};

const actions: Actions = {
  edit(change: Partial<Draft>) {
    page.draft = { ...page.draft, ...change };
    update();
  },
  generate: () => send({ type: 'generate', draft: page.draft }),
  again: (id) => send({ type: 'again', id }),
  cancel: () => send({ type: 'cancel' }),
  show: (id) => send({ type: 'show', id }),
  save: (id) => send({ type: 'save', id }),
  openSaved: (id) => send({ type: 'openSaved', id }),
  insertLink: (id) => send({ type: 'insertLink', id }),
  editPicture: (id) => send({ type: 'edit', id }),
  showLog: () => send({ type: 'showLog' }),
  openSettings: () => send({ type: 'openSettings' }),
  async copy(id) {
    try {
      await copyPicture(pictures, id);
      send({ type: 'copied' });
    } catch (error) {
      send({ type: 'copyFailed', reason: error instanceof Error ? error.message : String(error) });
    }
  },
};

window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => receive(data));
send({ type: 'ready' });

function receive(message: HostMessage): void {
  switch (message.type) {
    case 'state':
      receiveState(message.state);
      break;
    case 'draft':
      page.draft = message.draft;
      update();
      break;
    case 'preview':
      pictures.setPreview(message.png);
      update();
      break;
    case 'picture':
      pictures.set(message.id, message.png);
      update();
      break;
  }
}

function receiveState(state: ViewState): void {
  if (!state.run) pictures.setPreview(undefined);
  if (state.notice) announcer.announce(state.notice);
  announcer.announceRun(state.run);
  page.state = state;
  update();
}

/** Draws the page and keeps what a reload of the window must bring back. */
function update(): void {
  const { state, draft } = page;
  vscode.setState({ version: 1, draft, pictures: state.pictures.map(({ id }) => id), shown: state.shown });
  pictures.keep(state.pictures.map(({ id }) => id));
  render(viewTemplate(page, actions), document.body);
}

function send(message: PageMessage): void {
  vscode.postMessage(message);
}
