import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type EditorPageMessage,
  type EditorState,
  EMPTY_DRAFT,
  NO_EXTENSION,
} from '../../shared/editorProtocol.ts';
import type { Patch } from '../../shared/raster.ts';
import { Editor } from './editor.ts';
import { isDraftable, LiveDraft } from './liveDraft.ts';
import type { EditorPage } from './page.ts';
import { wayActionsOf } from './wayActions.ts';

const state = { variations: [] } as unknown as EditorState;
const run = { stage: 'denoise', step: 1, steps: 2, variation: 0, variations: 1, cancelling: false } as const;

const newPage = () =>
  ({
    state,
    stage: { picture: { size: { width: 8, height: 8 } } },
    draft: { ...EMPTY_DRAFT, prompt: 'a boat' },
    masked: true,
    live: { on: true },
  }) as EditorPage;

test('a draft is made where the edit could be applied, and nothing else is going on', () => {
  const page = newPage();
  assert.ok(isDraftable(page));
  const changes: Partial<EditorPage>[] = [
    { live: { on: false } },
    { masked: false },
    { draft: { ...page.draft, prompt: ' ' } },
    { draft: { ...page.draft, seed: 'x' } },
    { draft: { ...page.draft, way: 'all' } },
    { crop: NO_EXTENSION },
    { state: undefined },
    { state: { ...state, run } },
    { state: { ...state, maskTaken: 1 } },
    { state: { ...state, preparing: { step: 1, steps: 2 } } },
    { state: { ...state, variations: [{ id: 'x', seed: 1 }] } },
  ];
  for (const change of changes) assert.ok(!isDraftable({ ...page, ...change }), JSON.stringify(change));
});

/** An editor without its stage, what it has sent, and a function that lets it rest. */
function editing({ mock }: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  Object.assign(globalThis, { window: globalThis });
  const sent: string[] = [];
  const previews: (Patch | undefined)[] = [];
  const page = newPage();
  page.stage = Object.assign(page.stage, { preview: async (part?: Patch) => void previews.push(part) });
  const send = (message: EditorPageMessage) => {
    const { type, draft } = message as EditorPageMessage & { draft?: unknown };
    sent.push(`${type}${draft ? ' draft' : ''}`);
  };
  const nothing = () => {};
  const variations = { keep: nothing };
  const announcer = { announce: nothing, announceRun: nothing };
  const mask = { show: nothing, take: nothing, drafted: nothing };
  const view = { update: nothing, showEdges: nothing, showControl: nothing, variations, announcer, mask };
  const editor: Editor = Object.create(
    Editor.prototype,
    Object.getOwnPropertyDescriptors({ ...view, page, send, stage: page.stage }),
  );
  Object.assign(editor, { live: new LiveDraft(editor) });
  const rest = () => {
    mock.timers.tick(1000);
    return sent.splice(0);
  };
  return { editor, page, previews, rest };
}

test('a form that the extension fills in has another draft', (context) => {
  const { editor, rest } = editing(context);
  editor.fill({ prompt: 'a red boat' });
  assert.deepEqual(rest(), ['live draft']);
});

test('a draft is hidden while the edges of a crop are chosen', (context) => {
  const { editor, rest } = editing(context);
  editor.live.soon();
  rest();
  wayActionsOf(editor).chooseCrop();
  assert.deepEqual(rest(), ['stopLive', 'live']);
});

test('a draft is not made again after a recording, but one that could not be made before it is made then', (context) => {
  const { editor, page, rest } = editing(context);
  const recording = { ...state, preparing: { step: 1, steps: 2 } };
  editor.live.soon();
  assert.deepEqual(rest(), ['live draft']);
  for (const each of [recording, state]) editor.setState(each);
  assert.deepEqual(rest(), []);
  editor.setState(recording);
  editor.live.soon();
  assert.deepEqual(rest(), ['stopLive', 'live']);
  editor.setState(state);
  assert.equal(page.state, state);
  assert.deepEqual(rest(), ['live draft']);
});

test('while an edit is painted the next mask takes nothing away; after it the draft comes back', (context) => {
  const { editor, previews, rest } = editing(context);
  const patch = { left: 0, top: 0, width: 1, height: 1, data: new Uint8Array(3) };
  editor.live.soon();
  rest();
  editor.showDraft({ type: 'live', on: true, patch, seconds: 1 });
  editor.setState({ ...state, run });
  editor.showDraft({ type: 'live', on: true });
  assert.deepEqual(previews.splice(0), [patch, undefined]);
  editor.live.stop();
  editor.live.soon();
  assert.deepEqual(rest(), []);
  editor.showDraft({ type: 'live', on: true });
  assert.deepEqual(previews, [], "the run's own preview stays");
  editor.setState(state);
  assert.deepEqual(rest(), ['live draft']);
});

test('any run hides the draft, and none is shown that comes while it runs', (context) => {
  const { editor, page, previews } = editing(context);
  const patch = { left: 0, top: 0, width: 1, height: 1, data: new Uint8Array(3) };
  editor.showDraft({ type: 'live', on: true, patch, seconds: 1 });
  editor.setState({ ...state, run });
  assert.deepEqual(page.live, { on: true });
  editor.showDraft({ type: 'live', on: true, patch, seconds: 1 });
  assert.deepEqual(page.live, { on: true });
  assert.deepEqual(previews, [patch, undefined]);
  editor.setState(state);
  editor.showDraft({ type: 'live', on: true, patch, seconds: 1 });
  assert.equal(page.live.seconds, 1);
});

test('a draft is hidden when drafts are switched off', (context) => {
  const { editor, previews } = editing(context);
  const patch = { left: 0, top: 0, width: 1, height: 1, data: new Uint8Array(3) };
  editor.showDraft({ type: 'live', on: true, patch, seconds: 1 });
  wayActionsOf(editor).setLive(false);
  editor.showDraft({ type: 'live', on: false });
  assert.deepEqual(previews, [patch, undefined]);
});
