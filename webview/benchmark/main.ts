/// <reference types="vscode-webview" />
/** The page of the benchmark panel. The extension host owns runs and results, the page owns its form. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { render } from 'lit';
import type {
  BenchmarkHostMessage,
  BenchmarkPageMessage,
  BenchmarkState,
  SavedBenchmark,
  StoredRun,
} from '../../shared/benchmark/protocol.ts';
import { Announcer } from '../announcer.ts';
import { PictureCache } from '../pictureCache.ts';
import { revealIfBelow } from '../reveal.ts';
import './chart.ts';
import { describeBenchmark } from '../../shared/benchmark/progress.ts';
import { draftOf, FIRST_DRAFT } from '../../shared/benchmark/protocol.ts';
import { MaskCanvas } from './maskCanvas.ts';
import type { Actions, Page } from './page.ts';
import { benchmarkTemplate } from './template.ts';

const vscode = acquireVsCodeApi<SavedBenchmark>();
const saved = vscode.getState();
const announcer = new Announcer();
/** By run and name. */
const pictures = new PictureCache((key) => {
  const [run, name] = JSON.parse(key) as [string, string];
  send({ type: 'fetch', run, name });
});
let mask: MaskCanvas | undefined;
let drawn = saved?.drawn;

const page: Page = {
  state: {
    offers: {
      stepCases: [],
      wholeCases: [],
      architectures: [],
      segmenters: [],
      precisions: [],
      devices: [],
      presets: [],
    },
    runs: [],
    shown: [],
    cost: { details: [] },
  },
  draft: { ...FIRST_DRAFT, ...saved?.draft },
  customising: saved?.customising ?? false,
  split: 'macsByKind',
  picturesCome: 0,
  picture: (run, name) => pictures.url(JSON.stringify([run, name])),
  canvas(element) {
    if (!(element instanceof MaskCanvas) || element === mask) return;
    mask = element;
    if (drawn) void mask.restore(drawn);
  },
};

const actions: Actions = {
  edit(change) {
    page.draft = { ...page.draft, ...change };
    // The modes of single steps and of whole pictures have their own names.
    if (change.scope)
      page.draft.cases = change.scope === 'step' ? ['dense', 'sparse'] : ['generate', 'dense', 'sparse'];
    update();
    estimate();
  },
  order(field, names) {
    const { stepCases, wholeCases, precisions, devices } = page.state.offers;
    const cases = (page.draft.scope === 'step' ? stepCases : wholeCases).map(({ name }) => name);
    const offered = { cases, precisions, devices: devices.map(({ id }) => id) };
    return offered[field].filter((name) => names.includes(name));
  },
  drawn() {
    drawn = mask?.url;
    update();
    estimate();
  },
  clearMask: () => mask?.clear(),
  pickModel: () => send({ type: 'pickModel' }),
  pickMask: () => send({ type: 'pickMask' }),
  async run(draft) {
    send({ type: 'run', draft, drawn: await mask?.png() });
  },
  preset(preset) {
    // The form shows what is run.
    page.draft = draftOf(preset);
    update();
    estimate();
    send({ type: 'run', draft: page.draft });
  },
  count: () => send({ type: 'count' }),
  customise(open) {
    if (page.customising === open) return;
    page.customising = open;
    update();
    // The form is below the presets.
    if (open) document.querySelector('.customise')!.scrollIntoView({ block: 'start' });
  },
  cancel: () => send({ type: 'cancel' }),
  show: (ids) => send({ type: 'show', ids }),
  remove: (id) => send({ type: 'delete', id }),
  export: (format) => send({ type: 'export', format }),
  import: () => send({ type: 'import' }),
  copy: () => send({ type: 'copy' }),
  split(by) {
    page.split = by;
    update();
  },
  showLog: () => send({ type: 'showLog' }),
  openSettings: () => send({ type: 'openSettings' }),
};

window.addEventListener('message', ({ data }: MessageEvent<BenchmarkHostMessage>) => receive(data));
update();
send({ type: 'ready' });
estimate();

function receive(message: BenchmarkHostMessage): void {
  switch (message.type) {
    case 'state':
      receiveState(message.state);
      break;
    case 'draft':
      actions.edit(message.change);
      break;
    case 'picture':
      pictures.set(JSON.stringify([message.run, message.name]), message.png);
      page.picturesCome++;
      update();
      break;
  }
}

function receiveState(state: BenchmarkState): void {
  if (state.notice && state.notice !== page.state.notice) announcer.announce(state.notice);
  // Rounds are too fast to announce each.
  if (state.run && state.run.stage !== page.state.run?.stage)
    announcer.announce(describeBenchmark(state.run));
  const begins = state.run !== undefined && page.state.run === undefined;
  page.state = state;
  update();
  if (begins) revealIfBelow('.stage', '.side');
}

/** Renders the page and stores what a reload of the window must restore. */
function update(): void {
  const { draft, customising } = page;
  const { shown } = page.state;
  vscode.setState({ version: 1, draft, drawn, shown: shown.map(({ id }) => id), customising });
  pictures.keep(shown.flatMap(picturesOf));
  render(benchmarkTemplate(page, actions), document.body);
}

/** Keys of all pictures of a run. */
function picturesOf({ id, report }: StoredRun): string[] {
  const names = ['original', ...report.rows.map(({ picture }) => picture)];
  return names.map((name) => JSON.stringify([id, name]));
}

/** Asks what the form's run would cost. */
function estimate(): void {
  send({ type: 'estimate', draft: page.draft, painted: drawn !== undefined });
}

function send(message: BenchmarkPageMessage): void {
  vscode.postMessage(message);
}
