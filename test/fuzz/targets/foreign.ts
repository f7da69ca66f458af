/** Input from other tools, browsers and agents. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { BoundedFolders } from '../../../agents/folders.ts';
import { AGENT_TOOLS } from '../../../agents/tools/index.ts';
import { InputError } from '../../../engine/errors.ts';
import { readHeader } from '../../../engine/host/web/picture-header.ts';
import { decodePng } from '../../../engine/host/web/png.ts';
import { kindOf, neededFiles } from '../../../engine/hub/selection.ts';
import { indexedFiles } from '../../../engine/hub/shards.ts';
import { commentIn, exifWithComment, textsIn } from '../../../engine/pictures/exif-comment.ts';
import { withPngText } from '../../../engine/pictures/png-text.ts';
import { readRecipe } from '../../../engine/pictures/recipe.ts';
import type { ParsedRecipe } from '../../../engine/pictures/recipes/settings.ts';
import { formatRecipe } from '../../../engine/pictures/recipes/webui.ts';
import type { Recipe } from '../../../shared/api.ts';
import { isFilePath } from '../../../shared/fileNames.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { caseFolder, changed, damaged, oddText, type Target, target, valueOrSentence } from '../target.ts';

const image = sharp(
  Uint8Array.from({ length: 12 * 8 * 3 }, (_, i) => (i * 7919) % 256),
  { raw: { width: 12, height: 8, channels: 3 } },
);
const png = await image.clone().png().toBuffer();
const pictures = [
  png,
  await image.clone().png({ palette: true }).toBuffer(),
  await image.clone().png({ progressive: true }).toBuffer(),
  await image.clone().toColourspace('rgb16').png().toBuffer(),
  await image.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
  await image.clone().webp().toBuffer(),
  await image.clone().webp({ lossless: true }).toBuffer(),
  await image.clone().gif().toBuffer(),
];

const graph = {
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed: ['5', 0],
      steps: 24,
      sampler_name: 'dpmpp_2m',
      scheduler: 'karras',
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['6', 0],
      latent_image: ['7', 0],
    },
  },
  '4': {
    class_type: 'LoraLoader',
    inputs: { lora_name: 'a.safetensors', strength_model: 1, model: ['8', 0] },
  },
  '5': { class_type: 'PrimitiveInt', inputs: { value: 1102676403634909 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a castle', clip: ['4', 1] } },
  '7': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
  '8': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'xl.safetensors' } },
  '9': { class_type: 'SaveImage', inputs: { images: ['3', 0] } },
};
const workflow = {
  nodes: [
    {
      id: 3,
      type: 'KSampler',
      widgets_values: [7, 'fixed', 20, 8, 'euler', 'normal', 1],
      inputs: [{ name: 'positive', link: 1 }],
    },
    { id: 6, type: 'CLIPTextEncode', widgets_values: ['a castle'], outputs: [{ links: [1] }] },
  ],
  links: [[1, 6, 0, 3, 0, 'CONDITIONING']],
};
const words = { steps: 20, scheduler: 'euler', cfg_scale: 7, seed: 3, width: 64, height: 64 };
/** Texts of other tools by their keyword in PNG files. */
const RECIPES: readonly [keyword: string, json: unknown][] = [
  ['prompt', graph],
  ['workflow', workflow],
  [
    'parameters',
    {
      sui_image_params: {
        prompt: 'a',
        seed: 1,
        steps: 2,
        cfgscale: 3,
        width: 64,
        height: 64,
        loras: ['a'],
        loraweights: ['1'],
      },
    },
  ],
  [
    'invokeai_metadata',
    {
      positive_prompt: 'a',
      negative_prompt: 'b',
      ...words,
      model: { name: 'x' },
      loras: [{ model: { name: 'y' }, weight: 1 }],
      vae: { name: 'z' },
      canvas_v2_metadata: { controlLayers: [{}] },
    },
  ],
  ['sd-metadata', { image: { prompt: [{ prompt: 'a [b]', weight: 1 }], ...words, sampler: 'k_euler' } }],
  [
    'Comment',
    {
      prompt: 'a',
      uc: 'b',
      sampler: 'k_euler',
      scale: 5,
      ...words,
      v4_prompt: { caption: { base_caption: 'a', char_captions: [{ char_caption: 'b' }] } },
      sm: true,
      reference_image_multiple: ['x'],
    },
  ],
];
/** Draw Things' JSON, which it puts into XMP. */
const drawThings = {
  c: 'a car',
  uc: 'bad',
  steps: 20,
  scale: 7,
  seed: 3,
  size: '64x64',
  sampler: 'Euler a',
  lora: [{ model: 'x_f16.ckpt', weight: 0.6 }],
  v2: { controls: [{ file: 'canny.ckpt' }], clipSkip: 2, upscaler: 'x.ckpt' },
};
const inXmp = (json: string) =>
  `<x:xmpmeta><exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">${json.replaceAll('"', '&quot;')}</rdf:li></rdf:Alt></exif:UserComment></x:xmpmeta>`;
const recipeText = fc.oneof(
  ...RECIPES.map(([keyword, json]) =>
    changed(json).map((value) => ({ keyword, text: JSON.stringify(value) ?? '' })),
  ),
  changed(drawThings).map((value) => ({
    keyword: 'XML:com.adobe.xmp',
    text: inXmp(JSON.stringify(value) ?? ''),
  })),
);

function checkRecipe(recipe: ParsedRecipe | undefined): void {
  if (!recipe) return;
  const { seed, steps, width, height, guidance, notes = [], loras = [] } = recipe;
  for (const whole of [seed, steps, width, height])
    assert.ok(whole === undefined || Number.isSafeInteger(whole));
  assert.ok(seed === undefined || (seed >= 0 && seed <= LIMITS.seed.max));
  assert.ok(guidance === undefined || Number.isFinite(guidance));
  assert.ok(loras.every(({ strength }) => Number.isFinite(strength)));
  assert.ok(notes.every((note) => note.length < 2000));
  if (recipe.prompt !== undefined)
    formatRecipe({ width: 8, height: 8, steps: 1, seed: 1, ...recipe } as Recipe);
}

const folder = caseFolder();
await writeFile(path.join(folder, 'a.png'), png);
const folders = new BoundedFolders([folder], 'images');
const place = fc.oneof(
  oddText,
  fc.constantFrom(
    'a.png',
    '../a.png',
    '/etc/passwd',
    'a.png/b.png',
    './images/../a.png',
    'b.jpg',
    'x'.repeat(300),
  ),
);
const input = {
  prompt: 'a house',
  image: 'a.png',
  output: 'b.png',
  seed: 1,
  size: '64x64',
  steps: 2,
  strength: 0.5,
  box: [0, 0, 4, 4],
};

/** Names are repeated unchanged; the code that shows them removes control characters. */
async function answerOrRefusal(ask: () => Promise<unknown>): Promise<void> {
  await ask().catch((error: unknown) => assert.ok(error instanceof InputError, String(error)));
}

const listing = fc.uniqueArray(
  fc.oneof(
    oddText,
    fc.constantFrom(
      'model_index.json',
      'unet/config.json',
      'vae/config.json',
      'text_encoder/config.json',
      'a.safetensors',
    ),
    fc.constantFrom(
      'unet/diffusion_pytorch_model.safetensors.index.json',
      'unet/diffusion_pytorch_model-00001-of-00002.safetensors',
      'vae/diffusion_pytorch_model.safetensors',
      'text_encoder/model.safetensors',
      'scheduler/scheduler_config.json',
    ),
  ),
  { maxLength: 14 },
);

export const targets: readonly Target[] = [
  target('recipes of other tools', recipeText, ({ keyword, text }) => {
    checkRecipe(readRecipe(withPngText(png, keyword, text)));
  }),
  target('the EXIF of an image', damaged(exifWithComment('a tree\nSteps: 4, Seed: 7')), (exif) => {
    textsIn(exif);
    commentIn(exif);
  }),
  target('images in a browser', fc.oneof(...pictures.map(damaged)), (bytes) => {
    try {
      const header = readHeader(bytes);
      if (!header) return;
      assert.ok(Number.isInteger(header.width) && Number.isInteger(header.height) && header.pages >= 1);
      assert.ok(header.orientation >= 1 && header.orientation <= 8);
      if (header.format !== 'png') return;
      const { width, height, channels, data } = decodePng(bytes, 10_000);
      assert.equal(data.length, width * height * channels);
    } catch (error) {
      // The caller turns it into a sentence.
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
    }
  }),
  target('what agents ask for', fc.tuple(changed(input), place, place), async ([given, image, output]) => {
    for (const { schema, question } of AGENT_TOOLS)
      for (const value of [given, { ...(given as object), image, output }]) {
        const checked = schema.safeParse(value);
        if (checked.success) await answerOrRefusal(() => question(checked.data, folders));
      }
    await answerOrRefusal(() => folders.read(image));
  }),
  target(
    'listings and indexes of a repository',
    fc.tuple(listing, fc.jsonValue()),
    async ([names, index]) => {
      const kind = kindOf(names);
      if (!kind) return;
      await valueOrSentence(async () => {
        const read = async () => JSON.stringify({ weight_map: index });
        for (const file of neededFiles(kind, names, 'o/n', await indexedFiles(kind, names, 'o/n', read)))
          assert.ok(names.includes(file) || isFilePath(file), file);
      });
    },
  ),
];
