/// <reference types="vscode-webview" />
/** The page of the picture editor. The extension host owns the picture and its edits, the page owns the view of it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import type {
  EditDraft,
  EditorCommand,
  EditorHostMessage,
  EditorPageMessage,
  EditorState,
  PicturePlace,
  SavedEditor,
} from '../../shared/editorProtocol.ts';
import { blankPatch, type Patch, wholeOf } from '../../shared/raster.ts';
import { AdditionsForm, withWords } from '../additions/form.ts';
import { Announcer } from '../announcer.ts';
import { copyBlob } from '../clipboard.ts';
import { hindranceOf } from './hindrance.ts';
import { listenForKeys } from './keyboard.ts';
import { feathered, grown, inverted, shrunk } from './mask/morphology.ts';
import type { Colour } from './maskLayer.ts';
import { BRUSH_SIZES, type EditorActions, type EditorPage, MASK_AMOUNT, type MaskAction } from './page.ts';
import { PictureLayer } from './pictureLayer.ts';
import { startOf } from './saved.ts';
import { pictureBlob } from './selection.ts';
import { Stage } from './stage.ts';
import { editorTemplate } from './template.ts';
import { watchMaskColour } from './themeColour.ts';
import { Thumbnails } from './thumbnails.ts';
import { toolOf, toolsFor } from './tools/index.ts';

/** Milliseconds that the pointer rests before a preview of a selection is asked for. */
const HOVER_REST = 120;
/** Milliseconds that picture and form stay as they are before the picture is recorded for its next edit. */
const PREPARE_REST = 700;

const vscode = acquireVsCodeApi<SavedEditor>();
const start = startOf(vscode.getState());
const announcer = new Announcer();
const thumbnails = new Thumbnails();
const drawnEdits = new Thumbnails();
const stage = new Stage({
  mask: (label, patch) => {
    send({ type: 'mask', label, patch });
    maskChanged();
  },
  restore: (patch) => send({ type: 'restore', patch }),
  view: () => {
    resizeBrush();
    update();
  },
  begin: () => showMask(true),
  select: (place, how) => send({ type: 'select', place, how }),
  hint,
  pointer: (at) => showPointer(at),
  extend: (extension) => actions.edit({ extension }),
});
let maskColour: Colour = [0, 0, 0];
let hinting: number | undefined;
let preparing: number | undefined;
/** The image for dragging out, prepared while the pointer is on its handle. */
let dragged: string | undefined;

const page: EditorPage = {
  state: undefined,
  stage,
  draft: start.draft,
  tool: toolOf(start.tool),
  size: start.size,
  softness: start.softness,
  opacity: start.opacity,
  colour: start.colour,
  amount: start.amount,
  additions: new AdditionsForm({
    get: () => page.draft.additions,
    set: (additions) => actions.edit({ additions }),
    readsImages: () => page.state?.readsImages ?? false,
    insert: (words) => actions.edit({ prompt: withWords(page.draft.prompt, words) }),
    send: (message) => send(message),
    update: () => update(),
    masks: {
      available: () => page.masked,
      give: (place) => send({ type: 'giveMask', place }),
      edit: (picture) => send({ type: 'maskOf', picture }),
    },
  }),
  runs: 0,
  masked: false,
  maskShown: true,
  cost: undefined,
  level: undefined,
  thumbnails: thumbnails.urls,
  seen: undefined,
  edits: [],
  drawnEdits: drawnEdits.urls,
};
/** The last run that took the mask. */
let maskTaken: number | undefined;

const actions: EditorActions = {
  edit(change) {
    changeDraft(change);
    if (['strength', 'steps', 'precision', 'additions', 'budget'].some((name) => name in change))
      prepareSoon();
    update();
  },
  choose(tool) {
    page.tool = tool;
    stage.tool = tool;
    stage.showHover();
    announcer.announce(tool.title);
    update();
  },
  setBrush({ size = page.size, softness = page.softness }) {
    page.size = Math.min(BRUSH_SIZES.max, Math.max(BRUSH_SIZES.min, Math.round(size)));
    page.softness = softness;
    resizeBrush();
    update();
  },
  setOpacity(opacity) {
    page.opacity = opacity;
    showMask(true);
  },
  setColour(colour) {
    page.colour = colour;
    chooseMaskColour(colour);
    showMask(true);
  },
  mask: changeMask,
  toggleMask: () => showMask(!page.maskShown),
  setAmount(amount) {
    const whole = Math.round(amount);
    page.amount = Number.isFinite(whole)
      ? Math.min(MASK_AMOUNT.max, Math.max(MASK_AMOUNT.min, whole))
      : page.amount;
    update();
  },
  reselect: () => {
    if (page.state?.canReselect) send({ type: 'reselect' });
  },
  showEdit: (id, shown) => send({ type: 'showEdit', id, shown }),
  goBack: (id) => send({ type: 'goBack', id }),
  useEdit: (id) => send({ type: 'useEdit', id }),
  runAgain: (id) => send({ type: 'runAgain', id }),
  apply: () => send({ type: 'apply', draft: page.draft }),
  cancel: () => send({ type: 'cancel' }),
  see,
  pick: (id) => send({ type: 'pick', id }),
  discard: () => send({ type: 'discard' }),
  measure: () => send({ type: 'measure' }),
  pickPrompt: () => send({ type: 'pickPrompt' }),
  undo: () => send({ type: 'undo' }),
  redo: () => send({ type: 'redo' }),
  toggleCompare() {
    stage.compare = stage.compare === undefined ? 0.5 : undefined;
    update();
  },
  showLevel(level) {
    page.level = level;
    stage.showLevel(level === undefined ? undefined : page.cost?.computed[level]);
    update();
  },
  copy,
  drag,
  insertLink: () => send({ type: 'insertLink' }),
  upscale: () => send({ type: 'upscale' }),
  getModel: (model) => send({ type: 'getModel', model }),
  getModels: () => send({ type: 'getModels' }),
  cutOut: () => send({ type: 'cutOut' }),
  loadMask: () => send({ type: 'loadMask' }),
  exportMask: () => send({ type: 'exportMask' }),
  reload: () => send({ type: 'reload' }),
  keep: () => send({ type: 'keep' }),
  showLog: () => send({ type: 'showLog' }),
  openSettings: () => send({ type: 'openSettings' }),
};

stage.tool = page.tool;
resizeBrush();
stage.maskOpacity = page.opacity;
const chooseMaskColour = watchMaskColour(page.colour, (colour) => {
  maskColour = colour;
  stage.maskColour = colour;
});
listenForKeys(stage.element, {
  tools: () => toolsFor(page.state?.canSelect ?? false),
  choose: actions.choose,
  resize: (factor) => {
    // Small brushes grow by whole pixels too.
    const size = page.size * factor;
    actions.setBrush({ size: factor > 1 ? Math.ceil(size) : Math.floor(size) });
  },
  zoomBy: (factor) => stage.zoomBy(factor),
  zoomTo: (scale) => stage.zoomTo(scale),
  fit: () => stage.fit(),
  invert: () => changeMask('invert'),
  clear: () => changeMask('clear'),
  toggleMask: actions.toggleMask,
  reselect: actions.reselect,
  selectNext: (step) => {
    if (page.state?.canSelect) send({ type: 'selectNext', step });
  },
  compare: () => {
    if (page.state?.edited || stage.compare !== undefined) actions.toggleCompare();
  },
  escape: () => {
    if (!stage.input.cancel()) stage.element.focus();
  },
  pan: (held) => {
    stage.input.panning = held;
    resizeBrush();
  },
  nudge: (dx, dy) => {
    if (!stage.picture) return;
    const { x, y } = stage.input.nudge(dx, dy);
    announcer.announce(`${x}, ${y}`);
  },
  press: (modifiers) => announcer.announce(stage.input.press(modifiers) ? 'Pressed' : 'Released'),
});
// VS Code turns its own shortcut for copying into this event.
document.addEventListener('copy', (event) => {
  const { activeElement } = document;
  if (activeElement !== document.body && activeElement !== stage.element) return;
  event.preventDefault();
  void copy(page.masked ? 'selection' : 'picture');
});
// Messages are handled in order, though decoding takes time.
let last = Promise.resolve();
window.addEventListener('message', ({ data }: MessageEvent<EditorHostMessage>) => {
  last = last.then(() => receive(data));
});
update();
send({ type: 'ready' });

async function receive(message: EditorHostMessage): Promise<void> {
  switch (message.type) {
    case 'open':
      await open(message);
      break;
    case 'state':
      receiveState(message.state);
      break;
    case 'draft':
      changeDraft(message.draft);
      break;
    case 'command':
      command(message.command);
      break;
    case 'frame':
      if (stage.picture) {
        stage.reframe(stage.picture.reframed(message.frame), page.state?.name ?? '');
        opened();
      }
      break;
    case 'pixels':
      stage.write(message.patch);
      prepareDrag(undefined);
      break;
    case 'mask':
      stage.mask?.write(message.patch);
      maskChanged();
      break;
    case 'preview':
      await stage.preview(message.part);
      break;
    case 'variation':
      if (stage.picture) await thumbnails.add(message.id, message.patch, stage.picture);
      break;
    case 'hover':
      stage.showHover(message.patch);
      break;
    case 'edits':
      page.edits = message.edits;
      drawnEdits.keep(message.edits.map(({ id }) => id));
      prepareSoon();
      break;
    case 'thumbnail':
      await drawnEdits.add(message.id, message.picture);
      break;
    case 'cost':
      page.cost = message.cost;
      if (page.level !== undefined) actions.showLevel(message.cost ? page.level : undefined);
      break;
    default:
      page.additions.receive(message);
  }
  update();
}

async function open({ name, file, mime }: EditorHostMessage & { type: 'open' }): Promise<void> {
  const first = !stage.picture;
  performance.mark('received');
  let picture: PictureLayer;
  try {
    picture = await PictureLayer.open(file, mime);
    stage.show(picture, name);
  } catch (error) {
    send({ type: 'broken', reason: reasonOf(error) });
    return;
  }
  opened();
  const { view } = start;
  if (first && view) stage.move(view);
  // The second frame begins when the first is on the screen.
  const told = () => {
    performance.mark('painted');
    picture.complete();
    send({ type: 'painted' });
    prepareSoon();
  };
  requestAnimationFrame(() => requestAnimationFrame(told));
}

/** The stage has new layers: the mask is empty, and follows. */
function opened(): void {
  stage.maskColour = maskColour;
  page.masked = false;
  stage.mask!.spent = maskTaken !== undefined;
  showMask(maskTaken === undefined);
  stage.extending(page.draft.way === 'extend' ? page.draft.extension : undefined);
}

function changeDraft(change: Partial<EditDraft>): void {
  page.draft = { ...page.draft, ...change };
  const { way, extension } = page.draft;
  stage.extending(way === 'extend' ? extension : undefined);
}

/** Runs a command of the palette as its button would. If something is missing, it is said beside the button. */
function command(name: EditorCommand): void {
  if (name === 'cutOut') {
    if (!page.masked && page.state?.canSelect) actions.choose(toolOf('select'));
    actions.cutOut();
    return;
  }
  actions.edit({ way: name === 'repaintAll' ? 'all' : name });
  if (name !== 'extend' && !page.state?.run && !hindranceOf(page)) actions.apply();
}

function receiveState(state: EditorState): void {
  if (state.notice && state.notice !== page.state?.notice) announcer.announce(state.notice);
  announcer.announceRun(state.run);
  if (state.run && !page.state?.run) page.runs++;
  thumbnails.keep(state.variations.map(({ id }) => id));
  if (page.seen && !thumbnails.patch(page.seen)) see(undefined);
  page.state = state;
  if (!state.edited) stage.compare = undefined;
  takeMask(state.maskTaken);
}

/** An edit takes the mask, of which only the outline is shown then, or gives it back. */
function takeMask(taken: number | undefined): void {
  if (taken === maskTaken) return;
  maskTaken = taken;
  if (stage.mask) stage.mask.spent = taken !== undefined;
  showMask(taken === undefined);
}

/** Reports that an edit is likely, once the user has stopped changing mask and form. */
function prepareSoon(): void {
  clearTimeout(preparing);
  preparing = window.setTimeout(() => {
    if (stage.picture && !page.state?.run) send({ type: 'prepare', draft: page.draft });
  }, PREPARE_REST);
}

/** The brush is as large on the screen as its setting says, whatever the zoom. */
function resizeBrush(): void {
  const { size, softness } = page;
  stage.brush = { radius: Math.max(0.5, size / 2 / stage.view.scale), softness };
}

/** Requests a preview of a click, once the pointer rests. */
function hint(place: PicturePlace | undefined): void {
  clearTimeout(hinting);
  stage.showHover();
  if (place) hinting = window.setTimeout(() => send({ type: 'hover', place }), HOVER_REST);
  else send({ type: 'hover' });
}

/** Shows a variation in the picture. */
function see(id: string | undefined): void {
  if (id === page.seen) return;
  page.seen = id;
  void stage.preview(id === undefined ? undefined : thumbnails.patch(id));
  update();
}

function changeMask(action: MaskAction): void {
  const { mask } = stage;
  if (!mask || stage.input.busy) return;
  const { raster } = mask;
  const changes: Record<MaskAction, [label: string, patch: () => Patch | undefined]> = {
    invert: ['Invert Mask', () => inverted(raster)],
    clear: ['Clear Mask', () => blankPatch(mask.bounds ?? wholeOf(raster))],
    grow: ['Grow Mask', () => grown(raster, page.amount)],
    shrink: ['Shrink Mask', () => shrunk(raster, page.amount)],
    feather: ['Feather Mask', () => feathered(raster, page.amount)],
  };
  const [label, make] = changes[action];
  const patch = make();
  if (patch) mask.change(label, patch);
}

function maskChanged(): void {
  if (stage.mask) stage.mask.spent = false;
  page.masked = stage.mask?.bounds !== undefined;
  showMask(true);
}

function showMask(shown: boolean): void {
  page.maskShown = shown;
  stage.maskOpacity = shown ? page.opacity : 0;
  update();
}

async function copy(what: 'picture' | 'selection'): Promise<void> {
  try {
    await copyBlob(await pictureBlob(stage, what));
    send({ type: 'copied', what: `the ${what}` });
  } catch (error) {
    send({ type: 'failed', what: `The ${what} could not be copied`, reason: reasonOf(error) });
  }
}

/** Editors take the file's address, the desktop and other programs the picture. */
function drag(event: DragEvent): void {
  const { state } = page;
  const { dataTransfer } = event;
  if (!state || !dataTransfer) return;
  dataTransfer.effectAllowed = 'copy';
  dataTransfer.setData('text/uri-list', state.uri);
  dataTransfer.setData('application/vnd.code.uri-list', state.uri);
  if (dragged) {
    const name = state.name.replace(/\.[^.]*$/, '.png');
    dataTransfer.setData('DownloadURL', `image/png:${name}:${dragged}`);
  }
  dataTransfer.setDragImage(event.target as Element, 8, 8);
}

/** Keeps the address of the image to drag out; undefined frees it. */
function prepareDrag(blob: Blob | undefined): void {
  if (dragged) URL.revokeObjectURL(dragged);
  dragged = blob && URL.createObjectURL(blob);
}

document.addEventListener('pointerdown', ({ target }) => {
  // Encoding takes longer than a drag may wait, so it begins with the press.
  if (!(target instanceof Element) || !target.closest('[data-action=drag]') || dragged) return;
  void pictureBlob(stage, 'picture').then(prepareDrag, () => {});
});

function showPointer(at: { x: number; y: number } | undefined): void {
  const text = document.querySelector('.pointer');
  if (text) text.textContent = at ? `${Math.floor(at.x)}, ${Math.floor(at.y)}` : '';
}

/** Renders the page and stores what a reload of the window must restore. */
function update(): void {
  const { draft, tool, size, softness, opacity, colour, amount } = page;
  const view = stage.picture && !stage.fitting ? stage.view : undefined;
  // Before the image is loaded, its view is unknown.
  if (stage.picture)
    vscode.setState({ version: 1, draft, tool: tool.id, size, softness, opacity, colour, amount, view });
  render(editorTemplate(page, actions), document.body);
}

function send(message: EditorPageMessage): void {
  vscode.postMessage(message);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
