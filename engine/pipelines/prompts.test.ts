import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint, writeLora } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { gaussianNoise } from '../noise.ts';
import { decodePicture } from '../pictures/read.ts';
import { writeSafetensors } from '../weights/write.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-prompts-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const model = path.join(folder, 'models', 'sd15');
await writeCheckpoint(model, 'sd15');
const elsewhere = path.join(folder, 'webui');
await writeLora(path.join(folder, 'models', 'loras', 'Style.safetensors'));
await words(path.join(elsewhere, 'embeddings', 'mine.safetensors'), 'emb_params', [2, 16]);
await words(path.join(folder, 'learned.safetensors'), '<cat>', [16]);
await words(path.join(elsewhere, 'embeddings', 'wide.safetensors'), 'emb_params', [2, 24]);
await mkdir(path.join(elsewhere, 'wildcards'));
await writeFile(path.join(elsewhere, 'wildcards', 'animal.txt'), '# animals\ncat\ndog\n\n');

async function words(file: string, name: string, shape: number[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const data = gaussianNoise(
    9,
    1,
    shape.reduce((a, b) => a * b, 1),
  );
  await writeSafetensors(file, [{ name, dtype: 'F32', shape, chunks: () => [new Uint8Array(data.buffer)] }]);
}

const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

async function drawn(prompt: string, more: object = {}) {
  const request = { prompt, model, seed: 1, steps: 2, previews: false, modelFolders: [elsewhere], ...more };
  const { picture, recipe, warnings } = await engine.generate(request);
  const { pixels } = await decodePicture(picture.png, 'The image');
  return { pixels: Buffer.from(pixels), recipe, warnings };
}

const plain = await drawn('a house');

test('a prompt names a LoRA that is beside the model; the recipe keeps it as a file', async () => {
  const { pixels, recipe, warnings } = await drawn('a house <lora:style:0.8>');
  assert.notDeepEqual(pixels, plain.pixels);
  assert.deepEqual(warnings, []);
  assert.equal(recipe.prompt, 'a house');
  assert.deepEqual(recipe.loras, [{ lora: 'Style', strength: 0.8 }]);
  const chosen = [{ lora: path.join(folder, 'models', 'loras', 'Style.safetensors'), strength: 0.8 }];
  assert.deepEqual((await drawn('a house', { loras: chosen })).pixels, pixels);
  // A strength in the prompt counts before another of the same file.
  assert.deepEqual(
    (await drawn('a house<lora:Style:0.8>', { loras: [{ ...chosen[0]!, strength: 2 }] })).pixels,
    pixels,
  );
});

test('trained words: by their file’s name, with and without the prefix, and by their own word', async () => {
  const named = await drawn('a embedding:mine house');
  assert.deepEqual(named.warnings, []);
  assert.notDeepEqual(named.pixels, (await drawn('a house')).pixels);
  for (const prompt of ['a mine house', 'a Embedding:MINE.safetensors house'])
    assert.deepEqual((await drawn(prompt)).pixels, named.pixels, prompt);
  assert.notDeepEqual((await drawn('a (embedding:mine:1.5) house')).pixels, named.pixels);
  // Part of another word does not count.
  const other = await drawn('a mined house');
  assert.deepEqual(other.pixels, (await drawn('a mined house', { modelFolders: [] })).pixels);
  const embeddings = [path.join(folder, 'learned.safetensors')];
  const own = await drawn('a <cat> house', { embeddings });
  assert.notDeepEqual(own.pixels, (await drawn('a <cat> house')).pixels);
  assert.deepEqual((await drawn('a embedding:learned house', { embeddings })).pixels, own.pixels);
});

test('what a prompt names and is not here is left out and said', async () => {
  for (const [tag, sentence] of [
    ['<lora:nothing:1>', /<lora:nothing:1> in the prompt was left out: there is no LoRA of that name/],
    ['embedding:nothing', /embedding:nothing in the prompt was left out: there is no such file/],
    [
      'embedding:wide',
      /wide\.safetensors is made for another model, whose tokens have 24 numbers; here they have 16/,
    ],
    ['__nothing__', /__nothing__ in the prompt was left out/],
  ] as const) {
    const { pixels, warnings } = await drawn(`a house ${tag}`);
    assert.equal(warnings.length, 1, `${tag}: ${warnings}`);
    assert.match(warnings[0]!, sentence);
    assert.deepEqual(pixels, plain.pixels, tag);
  }
});

test('choices are made by the seed, and the recipe says which', async () => {
  const { recipe, pixels } = await drawn('a {red|green|blue} __animal__');
  assert.match(recipe.prompt, /^a (red|green|blue) (cat|dog)$/);
  assert.deepEqual((await drawn(recipe.prompt)).pixels, pixels);
  assert.deepEqual((await drawn('a {red|green|blue} __animal__')).recipe.prompt, recipe.prompt);
});

test('words change on the way: the first steps are those of the one prompt, the last those of the other', async () => {
  const latents = async (prompt: string) => (await drawn(prompt, { steps: 4 })).pixels;
  const [from, to, both] = [await latents('a cat'), await latents('a dog'), await latents('a [cat:dog:0.5]')];
  assert.notDeepEqual(both, from);
  assert.notDeepEqual(both, to);
  assert.deepEqual(await latents('a [cat:dog:0]'), to);
  assert.deepEqual(await latents('a [cat:dog:4]'), from);
  assert.deepEqual(await latents('a [cat:dog:2]'), both);
});

test('clip skip reads an earlier layer; the recipe keeps it; too many are refused', async () => {
  const skipped = await drawn('a house', { clipSkip: 2 });
  assert.notDeepEqual(skipped.pixels, plain.pixels);
  assert.equal(skipped.recipe.clipSkip, 2);
  assert.deepEqual((await drawn('a house', { clipSkip: 1 })).pixels, plain.pixels);
  await assert.rejects(drawn('a house', { clipSkip: 9 }), /no 9 layers/);
});
