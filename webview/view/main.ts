/// <reference types="vscode-webview" />
/** The page of the Patchwork view. The extension host owns what is shown, the page owns its form. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import { messageOf } from '../../shared/errorMessage.ts';
import {
  EMPTY_DRAFT,
  type HostMessage,
  type PageMessage,
  type SavedView,
  type ViewState,
} from '../../shared/viewProtocol.ts';
import { AdditionsForm, droppedIn, withWords } from '../additions/form.ts';
import { Announcer } from '../announcer.ts';
import { copyPicture, PictureCache } from '../pictureCache.ts';
import { revealIfBelow } from '../reveal.ts';
import { toggled } from '../selection.ts';
import { followedDraft, sameDraft } from './follow.ts';
import type { Actions, Page } from './page.ts';
import { viewTemplate } from './template.ts';

const vscode = acquireVsCodeApi<SavedView>();
const saved = vscode.getState();
const pictures = new PictureCache((id) => send({ type: 'fetch', id }));
const announcer = new Announcer();
/** Milliseconds without typing before the form is sent to the host. */
const TYPED = 200;
let telling: ReturnType<typeof setTimeout> | undefined;

const page: Page = {
  state: {
    pictures: [],
    shown: saved?.shown,
    making: false,
    following: false,
    jobs: [],
    interrupted: [],
    drafting: { on: false },
    unknown: [],
    hasFolder: true,
  },
  draft: { ...EMPTY_DRAFT, ...saved?.draft },
  filled: { ...EMPTY_DRAFT, ...saved?.filled },
  customSize: false,
  marked: [],
  comparing: false,
  whole: true,
  dropping: false,
  pictures,
  additions: new AdditionsForm({
    get: () => page.draft.additions,
    set: (additions) => actions.edit({ additions }),
    readsImages: () => page.state.facts?.readsImages ?? false,
    insert: (words) => actions.edit({ prompt: withWords(page.draft.prompt, words) }),
    send: (message) => send(message),
    update: () => update(),
  }),
};

const actions: Actions = {
  edit(change) {
    page.draft = { ...page.draft, ...change };
    send({ type: 'typing' });
    tellForm();
    update();
  },
  setCustomSize(custom) {
    page.customSize = custom;
    if (!custom) actions.edit({ size: '' });
    update();
  },
  setDrafting: (on) => send({ type: 'setDrafting', on }),
  generate() {
    page.filled = page.draft;
    send({ type: 'generate', draft: page.draft });
    update();
    revealIfBelow('.stage', '.options');
  },
  again: (id) => send({ type: 'again', id }),
  cancel: (job) => send({ type: 'cancel', job }),
  cancelAll: () => send({ type: 'cancelAll' }),
  show: (id) => send({ type: 'show', id }),
  showGrid: (batch) => send({ type: 'showGrid', batch }),
  mark(id) {
    page.marked = toggled(page.marked, id);
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
  follow: () => send({ type: 'follow' }),
  act: (action, ids) => send({ type: 'act', action, ids }),
  noticeAction: () => send({ type: 'noticeAction' }),
  dismiss: () => send({ type: 'dismiss' }),
  restart: (run) => send({ type: 'restart', run }),
  forget: (run) => send({ type: 'forget', run }),
  tryAgain: () => send({ type: 'tryAgain' }),
  openGallery: () => send({ type: 'openGallery' }),
  getModels: () => send({ type: 'getModels' }),
  showLog: () => send({ type: 'showLog' }),
  openSettings: () => send({ type: 'openSettings' }),
  async copy(id) {
    try {
      await copyPicture(pictures, id);
      send({ type: 'copied' });
    } catch (error) {
      send({ type: 'copyFailed', reason: messageOf(error) });
    }
  },
  drop: (event) => void drop(event),
  setDropping(dropping) {
    page.dropping = dropping;
    update();
  },
};

window.addEventListener('message', ({ data }: MessageEvent<HostMessage>) => receive(data));
send({ type: 'ready' });
send({ type: 'form', draft: page.draft });

function receive(message: HostMessage): void {
  switch (message.type) {
    case 'state':
      receiveState(message.state);
      break;
    case 'draft':
      page.draft = { ...page.draft, ...message.draft };
      page.filled = message.typed ? EMPTY_DRAFT : page.draft;
      page.customSize = false;
      tellForm();
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
    case 'live':
      pictures.setLive(message.png);
      break;
    case 'copy':
      window.focus();
      void actions.copy(message.id);
      break;
    default:
      page.additions.receive(message);
  }
}

function receiveState(state: ViewState): void {
  const { shown: before, following, failure } = page.state;
  if (!state.making) pictures.setPreview(undefined);
  if (state.notice) announcer.announce(state.notice.text);
  announcer.announceRun(state.jobs.find(({ running }) => running)?.run);
  if (state.grid !== page.state.grid) {
    page.marked = [];
    page.comparing = false;
  }
  page.state = state;
  // The new image is what the form requested.
  if (state.shown !== before && !following) followShown();
  update();
  const isNews = (state.following && !following) || (state.failure !== undefined && !failure);
  if (isNews) revealIfBelow('.stage', '.options');
}

/** The form follows the shown image as long as nothing else has been typed into it. */
function followShown(): void {
  const shown = page.state.pictures.find(({ id }) => id === page.state.shown);
  if (!shown || !sameDraft(page.draft, page.filled)) return;
  page.draft = followedDraft(page.draft, shown);
  page.filled = page.draft;
  tellForm();
}

function tellForm(): void {
  clearTimeout(telling);
  telling = setTimeout(() => send({ type: 'form', draft: page.draft }), TYPED);
}

/** Takes an image, to fill the form with its recipe. */
async function drop({ dataTransfer }: DragEvent): Promise<void> {
  actions.setDropping(false);
  const dropped = await droppedIn(dataTransfer);
  if (dropped && 'bytes' in dropped) send({ type: 'dropped', ...dropped });
  else if (dropped) send({ type: 'droppedUri', uri: dropped.uri });
}

/** Renders the page and stores what a reload of the window must restore. */
function update(): void {
  const { state, draft, filled } = page;
  vscode.setState({ version: 2, draft, filled, shown: state.shown });
  pictures.keep(state.pictures.map(({ id }) => id));
  render(viewTemplate(page, actions), document.body);
}

function send(message: PageMessage): void {
  vscode.postMessage(message);
}
