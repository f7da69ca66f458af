import assert from 'node:assert/strict';
import test from 'node:test';
import type { Recipe } from '../../shared/api.ts';
import { EMPTY_DRAFT } from '../../shared/viewProtocol.ts';
import { followedDraft, sameDraft } from './follow.ts';

const recipe = { seed: 9 } as Recipe;
const request = { prompt: 'a tree', width: 512, height: 256, steps: 12 };

test('the form takes over what an image was asked for', () => {
  const draft = followedDraft({ ...EMPTY_DRAFT, prompt: 'a house', guidance: '3' }, { request, recipe });
  assert.deepEqual(draft, { ...EMPTY_DRAFT, prompt: 'a tree', size: '512x256', steps: '12' });
});

test('a random seed stays random, a fixed one becomes the image’s', () => {
  assert.equal(followedDraft(EMPTY_DRAFT, { request, recipe }).seed, '');
  assert.equal(followedDraft({ ...EMPTY_DRAFT, seed: '1' }, { request, recipe }).seed, '9');
});

test('two forms are the same if every field is', () => {
  assert.ok(sameDraft(EMPTY_DRAFT, { ...EMPTY_DRAFT }));
  assert.ok(!sameDraft(EMPTY_DRAFT, { ...EMPTY_DRAFT, count: '2' }));
});
