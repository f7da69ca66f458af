import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EditorState, EMPTY_DRAFT, NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { isDraftable } from './liveDraft.ts';
import type { EditorPage } from './page.ts';

const state = { variations: [] } as unknown as EditorState;
const run = { stage: 'denoise', step: 1, steps: 2, variation: 0, variations: 1, cancelling: false } as const;

test('a draft is made where the edit could be applied, and nothing else is going on', () => {
  const page = {
    state,
    stage: { picture: { size: { width: 8, height: 8 } } },
    draft: { ...EMPTY_DRAFT, prompt: 'a boat' },
    masked: true,
    live: { on: true },
  } as EditorPage;
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
