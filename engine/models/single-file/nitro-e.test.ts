import assert from 'node:assert/strict';
import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { llamaTokenizer } from '../../../test/support/checkpoints.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { DiffusionModel } from '../diffusion-model.ts';
import { purposeOfFile } from '../file-purpose.ts';

const pack = path.join(import.meta.dirname, '../../../test/fixtures/parity/tiny-nitro-e');
const folder = await temporaryFolder();
process.env.HF_HUB_CACHE = path.join(folder, 'hub');
/** The pack's transformer under a name, alone in a folder. */
async function fileNamed(name: string): Promise<string> {
  const file = path.join(folder, name.replace('.safetensors', ''), name);
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(path.join(pack, 'transformer/diffusion_pytorch_model.safetensors'), file);
  return file;
}

const parts = { vae: path.join(pack, 'vae'), textEncoders: [path.join(pack, 'text_encoder')] };

test('the published file: its config, what its name says, and the one size', async () => {
  const file = await fileNamed('Nitro-E-512px-dist.safetensors');
  const model = await DiffusionModel.open(file, parts);
  const { defaults } = model;
  assert.deepEqual([defaults.steps, defaults.guidance, defaults.width, defaults.height], [4, 0, 512, 512]);
  assert.deepEqual([model.sizes.min, model.sizes.max], [512, 512]);
  assert.match(model.notes.join(), /distilled Nitro-E for 512 pixels, by its name/);
  assert.doesNotThrow(() => model.requireComplete());
  const plain = await DiffusionModel.open(await fileNamed('Nitro-E-512px.safetensors'), parts);
  assert.deepEqual([plain.defaults.steps, plain.defaults.guidance], [20, 4.5]);
  assert.equal(await purposeOfFile(file), 'pictures');
});

test('a file for 1024 pixels attends over everything', async () => {
  const file = await fileNamed('Nitro-E-1024px-dist.safetensors');
  // The table of positions of this small one ends before 1024 pixels.
  await assert.rejects(DiffusionModel.open(file, parts), /sample_size is 32, but there are positions for 24/);
});

test('what a file lacks is said with how to get it; parts and tokenizer are found beside it', async () => {
  const file = await fileNamed('Nitro-E-512px.dist.safetensors');
  const beside = path.dirname(file);
  await assert.rejects(
    async () => (await DiffusionModel.open(file, { textEncoders: parts.textEncoders })).requireComplete(),
    /Nitro-E\) has no autoencoder \(DC-AE\) in it: get mit-han-lab\/dc-ae-f32c32-sana-1\.0-diffusers, or name one with --vae/,
  );
  await cp(path.join(pack, 'vae'), path.join(beside, 'vae'), { recursive: true });
  await assert.rejects(
    async () => (await DiffusionModel.open(file)).requireComplete(),
    /has no text encoder \(Llama 3\.2 1B\) in it: get meta-llama\/Llama-3\.2-1B, or name it with --text-encoder/,
  );
  await cp(path.join(pack, 'text_encoder'), path.join(beside, 'text_encoder'), { recursive: true });
  const model = await DiffusionModel.open(file);
  await assert.rejects(model.tokenizer('text-encoder'), /the tokenizer of its text encoder is missing; put/);
  await mkdir(path.join(beside, 'tokenizer'));
  await writeFile(path.join(beside, 'tokenizer/tokenizer.json'), JSON.stringify(llamaTokenizer()));
  assert.equal((await model.tokenizer('text-encoder')).folder, path.join(beside, 'tokenizer'));
});
