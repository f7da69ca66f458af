/** Messages from pages, sent to the real handlers of the editor, the view, the gallery and the benchmark panel. */
import '../../support/vscode/register.ts';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import sharp from 'sharp';
import type { WebviewPanel } from 'vscode';
import type { Services } from '../../../extension/services.ts';
import { type Additions, NO_CONTROL } from '../../../shared/additions.ts';
import { FIRST_DRAFT } from '../../../shared/benchmark/protocol.ts';
import { EDIT_WAYS, type EditDraft, NO_EXTENSION } from '../../../shared/editorProtocol.ts';
import { IMAGE_ACTIONS } from '../../../shared/imageActions.ts';
import { EMPTY_DRAFT } from '../../../shared/viewProtocol.ts';
import type { Panel } from '../../support/vscode/stub.ts';
import { changed, oddText, type Target, target } from '../target.ts';

const { checkingEngine, servicesIn } = await import('../../support/vscode/services.ts');
const { commanded, panels, Uri, Panel: PanelStub } = await import('../../support/vscode/stub.ts');
const { PictureDocument } = await import('../../../extension/editor/document.ts');
const { EditorPage } = await import('../../../extension/editor/page.ts');
const { Painting } = await import('../../../extension/editor/painting.ts');
const { Preparing } = await import('../../../extension/editor/preparing.ts');
const { ImageView } = await import('../../../extension/view/view.ts');
const { GalleryPage } = await import('../../../extension/gallery/page.ts');
const { BenchmarkPanel } = await import('../../../extension/benchmark/panel.ts');

const SIDE = 16;
const pixels = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i * 7919) % 256);
const png = new Uint8Array(
  await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toBuffer(),
);
const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-pages-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
await writeFile(path.join(folder, 'image.png'), png);

const engine = checkingEngine(png);

/** Uncaught errors. */
const uncaught: unknown[] = [];
process.on('unhandledRejection', (error) => uncaught.push(error));

/** Commands that pages may lead to. */
const COMMANDS =
  /^(setContext|undo|redo|vscode\.open(With)?|revealFileInOS|workbench\.action\.(openSettings|files\.revert)|patchwork\.(models\.get|openGallery|manageModels|openView))$/;

/** Sends messages to a page's handler, and checks the results. */
async function handled(panel: Panel, messages: readonly unknown[]): Promise<void> {
  panel.send({ type: 'ready' });
  for (const message of messages) {
    panel.send(message);
    await sleep(1);
  }
  // Until nothing moves any more.
  for (let seen = -1, quiet = 0; quiet < 3; ) {
    await sleep(3);
    quiet = panel.received.length === seen ? quiet + 1 : 0;
    seen = panel.received.length;
  }
  assert.deepEqual(uncaught.splice(0), []);
  for (const command of commanded.splice(0)) assert.match(command, COMMANDS);
  for (const { state } of panel.received) {
    const { failure, notice } = (state ?? {}) as { failure?: { message: string }; notice?: unknown };
    const said = [
      failure?.message,
      typeof notice === 'string' ? notice : (notice as { text?: string })?.text,
    ];
    for (const text of said)
      if (text !== undefined) assert.ok(text.length < 3000 && !/\p{Cc}/u.test(text), text);
  }
  // It still answers.
  const before = panel.received.length;
  panel.send({ type: 'ready' });
  for (let tries = 0; panel.received.length === before; tries++) {
    assert.ok(tries < 2000, 'the page is not answered any more');
    await sleep(5);
  }
}

const id = fc.oneof(fc.constantFrom('x', '', '../../image', '__proto__'), oddText, fc.uuid());
const area = fc.record({
  left: fc.integer({ min: -2, max: 20 }),
  top: fc.integer({ min: -2, max: 20 }),
  width: fc.integer({ min: -1, max: 20 }),
  height: fc.integer({ min: -1, max: 20 }),
});
const patch = fc.oneof(
  fc.tuple(area, fc.nat({ max: 255 })).map(([at, value]) => ({
    ...at,
    data: new Uint8Array(Math.max(0, at.width * at.height)).fill(value),
  })),
  fc.constant({ left: 2, top: 2, width: 8, height: 8, data: new Uint8Array(64).fill(255) }),
);
const point = fc.record({ x: fc.double(), y: fc.double(), include: fc.boolean() });
const ADDITIONS: Additions = {
  loras: [{ lora: 'a.safetensors', strength: 1, on: true }],
  controls: [],
  references: [{ picture: 'f'.repeat(64), strength: 1, mask: '', on: false }],
  referenceModel: '',
  regions: [{ picture: 'e'.repeat(64), prompt: 'a lake', on: true }],
};
const place = fc.record({
  list: fc.constantFrom('loras', 'controls', 'references', 'regions'),
  field: fc.constantFrom('lora', 'picture', 'model', 'mask'),
  at: fc.constantFrom(-1, 0, 3),
});
const pictureUri = fc.oneof(oddText, fc.constantFrom('file:///dev/zero', 'file:///etc', 'http://h/x.png'));
/** Additions of both forms. */
const additionMessages = {
  choose: { place },
  give: { place, bytes: fc.oneof(fc.uint8Array(), fc.constant(png)) },
  giveUri: { place, uri: pictureUri },
  pickWord: {},
  describeLoras: { loras: fc.array(oddText, { maxLength: 3 }) },
};
const editDraft: EditDraft = {
  way: 'mask',
  extension: NO_EXTENSION,
  prompt: 'a boat',
  negativePrompt: '',
  strength: 0.9,
  steps: '',
  seed: '',
  seedLocked: false,
  precision: '',
  variations: 2,
  additions: ADDITIONS,
  control: { ...NO_CONTROL, picture: 'f'.repeat(64) },
  budget: 1,
  zoom: false,
};
const ways = [
  editDraft,
  ...EDIT_WAYS.map((way) => ({ ...editDraft, way, extension: { left: 3, top: 0, right: 0, bottom: 5 } })),
];
/** A form in which fields hold anything, or what is right but odd. */
const filled = (example: object) =>
  fc.oneof(
    fc.constant(example),
    changed(example),
    fc
      .tuple(fc.constantFrom(...Object.keys(example)), oddText)
      .map(([name, text]) => ({ ...example, [name]: text })),
  );

/** Messages of these types with these fields, often changed at some place. */
function messagesOf(types: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<unknown>>>>>) {
  const right = fc.oneof(
    ...Object.entries(types).map(([type, fields]) => fc.record({ type: fc.constant(type), ...fields })),
  );
  const message = fc.oneof(
    right,
    right.chain((one) => changed(one)),
    fc.anything({ maxDepth: 1, withDate: false }).filter((value) => isCloneable(value)),
  );
  return fc.array(message, { minLength: 1, maxLength: 12 });
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

const none = {};
const side = fc.oneof(fc.nat(20), fc.constantFrom(1 << 16, -1, 0.5));
const sides = fc.record({ left: side, top: side, right: side, bottom: side });
const editorMessages = messagesOf({
  painted: none,
  broken: { reason: oddText },
  mask: { label: oddText, patch },
  control: { label: oddText, patch },
  giveControl: { bytes: fc.oneof(fc.uint8Array(), fc.constant(png)) },
  giveControlUri: { uri: pictureUri },
  select: { place: fc.record({ points: fc.array(point) }), how: fc.constantFrom('replace', 'add', 'remove') },
  selectNext: { step: fc.constantFrom(1, -1, 0, 1e9) },
  hover: { place: fc.oneof(fc.constant(undefined), fc.record({ points: fc.array(point) })) },
  restore: { patch },
  prepare: { draft: filled(editDraft) },
  apply: { draft: fc.oneof(...ways.map(filled)) },
  getModels: none,
  cutOut: none,
  cancel: none,
  pick: { id },
  discard: none,
  measure: none,
  reselect: none,
  showEdit: { id, shown: fc.boolean() },
  fadeEdit: { id, opacity: fc.oneof(fc.double(), fc.constantFrom(0, 0.5, 1)), done: fc.boolean() },
  moveEdit: { id, by: fc.constantFrom(1, -1, 0, 1e9) },
  varyEdit: { id, variation: id },
  crop: { crop: sides },
  live: { draft: fc.oneof(fc.constant(undefined), ...ways.map(filled)) },
  stopLive: none,
  setLive: { on: fc.boolean() },
  goBack: { id },
  useEdit: { id },
  runAgain: { id },
  pickPrompt: none,
  undo: none,
  redo: none,
  insertLink: none,
  upscale: none,
  getModel: { model: fc.oneof(oddText, fc.constantFrom('a/b', '../a', 'a/b/c')) },
  loadMask: none,
  exportMask: none,
  reload: none,
  keep: none,
  copied: { what: oddText },
  failed: { what: oddText, reason: oddText },
  showLog: none,
  openSettings: none,
  giveMask: { place },
  ...additionMessages,
});
const acting = { action: fc.constantFrom(...IMAGE_ACTIONS), ids: fc.array(id) };
const viewMessages = messagesOf({
  form: { draft: filled(EMPTY_DRAFT) },
  generate: { draft: filled({ ...EMPTY_DRAFT, prompt: 'a house', count: '2', additions: ADDITIONS }) },
  again: { id },
  cancel: { job: id },
  cancelAll: none,
  show: { id },
  showGrid: { batch: id },
  follow: none,
  fetch: { id },
  act: acting,
  noticeAction: none,
  dismiss: none,
  restart: { run: id },
  forget: { run: id },
  tryAgain: none,
  dropped: { name: oddText, bytes: fc.oneof(fc.uint8Array(), fc.constant(png)) },
  droppedUri: { uri: pictureUri },
  ...additionMessages,
  copied: none,
  copyFailed: { reason: oddText },
  openGallery: none,
  getModels: none,
  showLog: none,
  openSettings: none,
});
const galleryMessages = messagesOf({
  act: acting,
  fetch: { id },
  noticeAction: none,
  copied: none,
  copyFailed: { reason: oddText },
  clear: none,
  changeLimit: none,
  openFolder: none,
  openGallery: none,
  generate: none,
  showLog: none,
  openSettings: none,
});
const benchmarkMessages = messagesOf({
  estimate: { draft: filled(FIRST_DRAFT), painted: fc.boolean() },
  run: {
    draft: filled({ ...FIRST_DRAFT, size: '64x64' }),
    drawn: fc.oneof(fc.uint8Array(), fc.constant(undefined)),
  },
  cancel: none,
  show: { ids: fc.array(id) },
  delete: { id },
  fetch: { run: id, name: id },
  export: { format: fc.constantFrom('json', 'csv', 'markdown', 'exe') },
  import: none,
  copy: none,
  pickModel: none,
  pickMask: none,
  showLog: none,
  openSettings: none,
});

/** Pages are one of their kind, and a case whose time is up continues beside the next one, which waits for its end. */
let last: Promise<void> = Promise.resolve();
function exclusively(run: () => Promise<void>): Promise<void> {
  const running = last.then(run);
  last = running.catch(() => {});
  return running;
}

/** Runs a page that is opened for one case. */
function inPage(open: (services: Services) => void, messages: readonly unknown[]): Promise<void> {
  return exclusively(async () => {
    const storage = await mkdtemp(path.join(folder, 'storage-'));
    open(servicesIn(storage, engine));
    const panel = panels.at(-1)!;
    try {
      await handled(panel, messages);
    } finally {
      for (const each of panels.splice(0)) each.dispose();
    }
  });
}

export const targets: readonly Target[] = [
  target('live messages of the editor', editorMessages, (messages) =>
    exclusively(async () => {
      const services = servicesIn(folder, engine);
      const uri = Uri.file(path.join(folder, 'image.png')) as never;
      const document = await PictureDocument.open(uri, services.log);
      const panel = new PanelStub();
      const painting = new Painting(services, document);
      const preparing = new Preparing(services, document);
      new EditorPage(services, document, { painting, preparing }, panel as unknown as WebviewPanel);
      await handled(panel, messages);
      const model = await document.model();
      const { width, height } = model;
      assert.deepEqual(
        [model.pixels.data.length, model.mask.data.length],
        [3 * width * height, width * height],
      );
      assert.deepEqual([...model.original.data], [...pixels]);
      panel.dispose();
      document.dispose();
    }),
  ),
  target('live messages of the view', viewMessages, (messages) =>
    inPage((services) => void ImageView.show(services), messages),
  ),
  target('live messages of the gallery', galleryMessages, (messages) =>
    inPage((services) => GalleryPage.open(services), messages),
  ),
  target('live messages of the benchmark panel', benchmarkMessages, (messages) =>
    inPage((services) => BenchmarkPanel.open(services), messages),
  ),
].map((each) => ({ ...each, runs: 25 }));
