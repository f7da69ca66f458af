import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../engine/errors.ts';
import { NO_ADDITIONS } from '../../shared/additions.ts';
import { EMPTY_DRAFT } from '../../shared/viewProtocol.ts';
import { countOf, draftOf, draftOfRecipe, lostFromForm, readDraft, requestOf } from './draft.ts';

const draft = { ...EMPTY_DRAFT, prompt: ' a tree ' };

test('empty fields are left to the model and the settings', () => {
  assert.deepEqual(requestOf(draft), { prompt: 'a tree', negativePrompt: '' });
});

test('every field arrives in the request, and a request fills the form again', () => {
  const full = {
    prompt: 'a tree',
    negativePrompt: 'people',
    seed: '7',
    size: '512x768',
    steps: '12',
    guidance: '4.5',
    scheduler: 'euler',
    sigmas: 'ays',
    clipSkip: '2',
    model: 'owner/name',
    precision: 'int8',
    count: '1',
    additions: {
      ...NO_ADDITIONS,
      loras: [{ lora: '/m/ink.safetensors', strength: 0.5, on: true }],
      references: [{ picture: 'a'.repeat(64), strength: 0.6, mask: '', on: true }],
      referenceModel: '/m/ip.safetensors',
    },
    budget: '0.3',
    style: 'Night',
  };
  const request = requestOf(full);
  assert.deepEqual(request, {
    prompt: 'a tree',
    negativePrompt: 'people',
    style: { name: 'Night', prompt: '{prompt} at night' },
    seed: 7,
    width: 512,
    height: 768,
    steps: 12,
    guidance: 4.5,
    scheduler: 'euler',
    sigmas: 'ays',
    clipSkip: 2,
    model: 'owner/name',
    precision: 'int8',
    loras: [{ lora: '/m/ink.safetensors', strength: 0.5 }],
    references: [{ image: 'a'.repeat(64), strength: 0.6 }],
    referenceModel: '/m/ip.safetensors',
    budget: 0.3,
  });
  assert.deepEqual(draftOf(request), full);
});

test('a recipe fills the form with its seed and a model that is here', () => {
  const recipe = { prompt: 'a tree', negativePrompt: '', seed: 3, width: 256, height: 256, model: 'scenes' };
  const filled = draftOfRecipe(recipe, 'scenes');
  assert.deepEqual([filled.seed, filled.size, filled.model, filled.steps], ['3', '256x256', 'scenes', '']);
  assert.equal(draftOfRecipe({ ...recipe, model: 'elsewhere' }).model, '');
});

test('LoRA files of a recipe are named in the prompt, unless they are given with their paths', () => {
  const loras = [
    { lora: 'ink', strength: 0.7 },
    { lora: 'x/fog.safetensors', strength: 1 },
    { lora: 'odd:name', strength: 1 },
  ];
  const recipe = { prompt: 'a tree', negativePrompt: '', loras, clipSkip: 2, strength: 0.5 };
  const filled = draftOfRecipe(recipe);
  assert.equal(filled.prompt, 'a tree <lora:ink:0.7> <lora:fog:1>');
  assert.equal(filled.clipSkip, '2');
  assert.deepEqual(filled.additions, NO_ADDITIONS);
  assert.equal(draftOfRecipe({ ...recipe, prompt: filled.prompt }).prompt, filled.prompt);
  const given = [{ lora: '/m/loras/ink.safetensors', strength: 0.7 }];
  assert.equal(draftOfRecipe(recipe, '', given).prompt, 'a tree <lora:fog:1>');
  assert.deepEqual(lostFromForm(recipe), [
    'It was made from another image, with strength 0.5, which the form does not have.',
    'A prompt cannot name these LoRA files: odd:name.',
  ]);
});

test('what a field may not be is reported by its name', () => {
  const wrong: [Partial<typeof draft>, RegExp][] = [
    [{ prompt: '  ' }, /^Enter a prompt first\.$/],
    [{ seed: '1.5' }, /^A seed is a whole number/],
    [{ size: '100x100' }, /^Size: .*multiples of 8/],
    [{ size: 'big' }, /^Size: /],
    [{ steps: '0' }, /^Steps: enter a whole number from 1 to 150/],
    [{ steps: '2.5' }, /^Steps: /],
    [{ guidance: 'x' }, /^Guidance: enter a number from 0 to 50/],
    [{ scheduler: 'magic' }, /^Sampler: /],
    [{ sigmas: 'magic' }, /^Sigmas: /],
    [{ precision: 'int2' }, /^Precision: /],
  ];
  for (const [change, message] of wrong)
    assert.throws(
      () => requestOf({ ...draft, ...change }),
      (error) => error instanceof InputError && message.test(error.message),
      JSON.stringify(change),
    );
  assert.throws(() => countOf({ count: '17' }), /^InputError: Images: |Images: enter/);
  assert.equal(countOf({ count: '' }), 1);
  assert.equal(countOf({ count: '4' }), 4);
});

test('what a page kept is not trusted', () => {
  for (const bad of [undefined, null, 5, 'x', [], { prompt: 3 }])
    assert.deepEqual(readDraft(bad), EMPTY_DRAFT);
  assert.equal(readDraft({ prompt: 'a tree', seed: '7', other: 'x' }).seed, '7');
  const outside = { ...NO_ADDITIONS, controls: [{ picture: '../../etc/passwd' }] };
  assert.deepEqual(readDraft({ additions: outside }).additions, NO_ADDITIONS);
});

test('the recipe of a budgeted image asks for the full process and the budget again', () => {
  const recipe = {
    prompt: 'a tree',
    negativePrompt: '',
    steps: 5,
    budget: { share: 0.2, steps: 20 },
    stepPlan: 'FPPPP 999 729 529 329 94',
  };
  const { steps, budget } = draftOfRecipe(recipe);
  assert.deepEqual([steps, budget], ['20', '0.2']);
  const other = {
    ...recipe,
    scheduler: 'ddim',
    budget: { ...recipe.budget, scheduler: 'dpmpp-2m' },
  } as const;
  assert.equal(draftOfRecipe(other).scheduler, 'dpmpp-2m');
});
