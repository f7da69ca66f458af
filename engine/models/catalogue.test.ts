import assert from 'node:assert/strict';
import test from 'node:test';
import { seesMask } from '../execution/denoiser-inputs.ts';
import { CATALOGUE, inpaintingTwin } from './catalogue.ts';
import { SyntheticModel } from './synthetic.ts';

test('what edits for other models sees the mask, and nothing else of the catalogue does', () => {
  for (const { architecture, editsFor } of CATALOGUE) {
    if (!architecture) continue;
    const model = new SyntheticModel(architecture, '');
    const sees = seesMask(model.network('denoiser'), model.autoencoder.latentChannels);
    assert.equal(sees, editsFor !== undefined, architecture);
  }
});

test('a model has one inpainting twin at most, in any commit, and a distilled one has none', () => {
  const all = CATALOGUE.flatMap(({ editsFor = [] }) => editsFor);
  assert.equal(new Set(all).size, all.length);
  const twin = 'stable-diffusion-v1-5/stable-diffusion-inpainting';
  assert.equal(inpaintingTwin('stable-diffusion-v1-5/stable-diffusion-v1-5'), twin);
  assert.equal(inpaintingTwin('stable-diffusion-v1-5/stable-diffusion-v1-5@main'), twin);
  for (const id of [twin, 'stabilityai/sd-turbo', 'nobody/knows', '/a/folder'])
    assert.equal(inpaintingTwin(id), undefined);
});
