import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { changeJson, changeNumber, type Family, writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { InputError } from '../errors.ts';
import { encodeMask } from '../pictures/mask.ts';
import { decodePicture } from '../pictures/read.ts';
import { readFloat32 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/write.ts';
import { DiffusionModel } from './diffusion-model.ts';
import { openDrawingModel } from './open.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-folder-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

for (const family of ['sd15', 'ssd-1b', 'flux2-klein'] as const)
  await writeCheckpoint(path.join(folder, family), family);
let copies = 0;

/** A copy of a checkpoint with some fields of some configs changed. */
async function changed(changes: Record<string, object>, family: Family = 'sd15'): Promise<string> {
  const copy = path.join(folder, `${family}-${copies++}`);
  await cp(path.join(folder, family), copy, { recursive: true });
  for (const [file, change] of Object.entries(changes)) await changeJson(path.join(copy, file), change);
  return copy;
}

async function pixelsOf(model: string, options: object = {}): Promise<Uint8Array> {
  const request = { prompt: 'a house', model, seed: 1, steps: 2, precision: 'fp32' as const, ...options };
  const { picture } = await engine.generate(request);
  return (await decodePicture(picture.png, 'x')).pixels;
}

const refused = (changes: Record<string, object>, sentence: RegExp, family?: Family) =>
  assert.rejects(
    async () => DiffusionModel.open(await changed(changes, family)),
    (error: Error) => error instanceof InputError && sentence.test(error.message),
  );

test('a chosen sampler draws though the model’s own is not known', async () => {
  const plain = await pixelsOf(path.join(folder, 'sd15'), { scheduler: 'dpmpp-2m' });
  for (const change of [
    { _class_name: 'DEISMultistepScheduler', solver_type: 'logrho', algorithm_type: 'deis' },
    { _class_name: 'SomethingNewScheduler' },
    { _class_name: 'DDPMScheduler', variance_type: 'fixed_small' },
  ]) {
    const model = await changed({ 'scheduler/scheduler_config.json': change });
    assert.deepEqual(await pixelsOf(model, { scheduler: 'dpmpp-2m' }), plain);
    await assert.rejects(pixelsOf(model), /Scheduler" is not supported.*Choose another scheduler/);
    // Calibrating draws with a sampler of its own.
    assert.ok(await pixelsOf(model, { scheduler: 'dpmpp-2m', precision: 'int8' }));
  }
});

test('statistics of latents are honoured when decoding and encoding', async () => {
  const [mean, deviation, scaling] = [0.25, 2, 0.18215];
  const normalized = {
    latents_mean: Array(4).fill(mean),
    latents_std: Array(4).fill(deviation),
  };
  const model = await changed({ 'vae/config.json': normalized });
  const same = await changed({
    'vae/config.json': { scaling_factor: scaling / deviation, shift_factor: mean },
  });
  assert.deepEqual(await pixelsOf(model), await pixelsOf(same));
  assert.notDeepEqual(await pixelsOf(model), await pixelsOf(path.join(folder, 'sd15')));
  const edited: Uint8Array[] = [];
  for (const name of [model, same]) {
    const mask = { width: 64, height: 64, data: new Uint8Array(64 * 64).fill(1, 0, 64 * 20) };
    const image = await encodeMask(mask);
    const request = { prompt: 'a lake', model: name, seed: 1, steps: 2, precision: 'fp32' as const };
    const { picture } = await engine.edit({ ...request, image, mask: image });
    edited.push((await decodePicture(picture.png, 'x')).pixels);
  }
  assert.deepEqual(edited[0], edited[1]);
  await assert.rejects(openDrawingModel(model, { decoder: 'fast' }), /latents_mean/);
  await refused({ 'vae/config.json': { latents_mean: [1, 2, 3, 4] } }, /latents_std is missing/);
  await refused(
    { 'vae/config.json': { ...normalized, latents_std: [1, 2] } },
    /latents_std has 2 entries for 4/,
  );
  const zero = { ...normalized, latents_std: [1, 0, 1, 1] };
  await refused({ 'vae/config.json': zero }, /latents_std/);
});

test('a U-Net for another task, or of another model, is reported when the folder is opened', async () => {
  const unet = 'unet/config.json';
  await refused({ [unet]: { in_channels: 9 } }, /takes 9 channels.*inpainting/);
  await refused({ [unet]: { in_channels: 8 } }, /takes 8 channels.*InstructPix2Pix/);
  await refused({ [unet]: { in_channels: 5 } }, /takes 5 channels.*different models/);
  await refused({ [unet]: { out_channels: 8 } }, /gives 8 channels/);
  await refused({ [unet]: { cross_attention_dim: 24 } }, /cross_attention_dim is 24.*gives 16/);
  await refused({ [unet]: { cross_attention_dim: 16 } }, /16.*text encoders give 24/, 'ssd-1b');
  await refused({ 'model_index.json': { _class_name: 'x\u001b]0;t\u0007'.repeat(99) } }, /^\P{Cc}{1,500}$/u);
});

test('lists where numbers stand, and fields that do not matter', async () => {
  const plain = await pixelsOf(path.join(folder, 'sd15'));
  const model = await changed({
    'unet/config.json': {
      sample_size: [8, 8],
      layers_per_block: [2, 2, 2, 2],
      norm_num_groups: [4],
      attention_head_dim: [2, 2, 2, 2],
      only_cross_attention: [false, false, false, false],
      dropout: 0,
      something_new: { a: 1 },
    },
    'vae/config.json': { layers_per_block: [1, 1, 1, 1], sample_size: [64, 64], force_upcast: true },
    'text_encoder/config.json': { num_hidden_layers: [2, 2], eos_token_id: [1], architectures: null },
    'scheduler/scheduler_config.json': { num_train_timesteps: [1000], sample_max_value: [1] },
  });
  assert.deepEqual(await pixelsOf(model), plain);
  const wide = await DiffusionModel.open(await changed({ 'unet/config.json': { sample_size: [8, 16] } }));
  assert.deepEqual([wide.defaults.width, wide.defaults.height], [128, 64]);
});

test('what its makers recommend is taken from the folder, unless it is out of bounds', async () => {
  const model = await changed({});
  const recommended = async (config: object) => {
    await writeFile(path.join(model, 'generation_config.json'), JSON.stringify(config));
    const { steps, editBudget, removalPrompt } = (await DiffusionModel.open(model)).defaults;
    return [steps, editBudget, removalPrompt];
  };
  const own = { num_inference_steps: 12, edit_budget: 0.4, removal_prompt: 'background' };
  assert.deepEqual(await recommended(own), [12, 0.4, 'background']);
  const unlimited = { num_inference_steps: 12, edit_budget: 0, removal_prompt: 'x'.repeat(201) };
  assert.deepEqual(await recommended(unlimited), [12, undefined, undefined]);
  assert.deepEqual(await recommended({ edit_budget: 'half' }), [25, undefined, undefined]);
});

test('numbers that are not finite are an error that names the part, never a picture', async () => {
  const mask = { width: 64, height: 64, data: new Uint8Array(64 * 64).fill(1, 0, 64 * 20) };
  const image = await encodeMask(mask);
  for (const [file, tensor, part, edited] of [
    ['unet/diffusion_pytorch_model', 'conv_in.bias', /The denoiser, in step 1, .*not finite/, undefined],
    [
      'vae/diffusion_pytorch_model',
      'decoder.conv_in.bias',
      /The autoencoder, in decoding, .*not finite/,
      undefined,
    ],
    ['vae/diffusion_pytorch_model', 'encoder.conv_in.bias', undefined, /The autoencoder, in encoding,/],
    ['text_encoder/model', 'text_model.final_layer_norm.bias', /The text encoder .*not finite/, undefined],
  ] as const)
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const model = await changed({});
      await changeNumber(path.join(model, `${file}.safetensors`), tensor, value);
      if (part) await assert.rejects(pixelsOf(model), part);
      const request = { prompt: 'a lake', model, seed: 1, steps: 2, precision: 'fp32' as const };
      for (const mode of ['sparse', 'dense'] as const)
        await assert.rejects(engine.edit({ ...request, image, mask: image, mode }), (edited ?? part)!);
    }
});

test('a word that training has added is one token, and one that the text encoder lacks is refused by name', async () => {
  const added = { 'tokenizer/added_tokens.json': { '<cat-toy>': 560 } };
  const unknown = await changed(added);
  await assert.rejects(
    pixelsOf(unknown, { prompt: 'a <cat-toy>' }),
    /"<cat-toy>" the number 560.*knows 560 tokens/,
  );
  assert.deepEqual(await pixelsOf(unknown), await pixelsOf(path.join(folder, 'sd15')));
  // One row more, that of another word: the same picture as with that word.
  const model = await changed({ ...added, 'text_encoder/config.json': { vocab_size: 561 } });
  const file = path.join(model, 'text_encoder', 'model.safetensors');
  const source = await openSafetensors(file);
  const { '!</w>': mark } = JSON.parse(await readFile(path.join(model, 'tokenizer', 'vocab.json'), 'utf8'));
  const tensors = await Promise.all(
    [...source.names()].map(async (name) => {
      const tensor = source.find(name)!;
      const values = await readFloat32(tensor);
      const isTable = name.endsWith('token_embedding.weight');
      const row = values.subarray(mark * 16, (mark + 1) * 16);
      const data = isTable ? Float32Array.of(...values, ...row) : values;
      const shape = isTable ? [561, 16] : tensor.shape;
      return { name, dtype: 'F32' as const, shape, chunks: () => [new Uint8Array(data.buffer)] };
    }),
  );
  await writeSafetensors(file, tensors);
  const other = { prompt: 'a !', negativePrompt: 'x' };
  assert.deepEqual(await pixelsOf(model, { ...other, prompt: 'a <cat-toy>' }), await pixelsOf(model, other));
});

test('tags of other tools in a prompt are not read as words, and are said', async () => {
  const model = path.join(folder, 'sd15');
  const draw = (prompt: string) =>
    engine.generate({ prompt, model, seed: 1, steps: 2, precision: 'fp32', negativePrompt: 'embedding:bad' });
  const [tagged, plain] = [await draw('a house <lora:ok:0.8>'), await draw('a house ')];
  assert.deepEqual(
    (await decodePicture(tagged.picture.png, 'x')).pixels,
    (await decodePicture(plain.picture.png, 'x')).pixels,
  );
  assert.match(
    tagged.warnings.join(' '),
    /<lora:ok:0\.8> in the prompt was left out: there is no LoRA .*embedding:bad in the prompt was left out/,
  );
});

test('FLUX.2: variants that are not computed are named, and parts that do not fit', async () => {
  for (const [change, message] of [
    [
      { 'transformer/config.json': { guidance_embeds: true } },
      /transformer.config\.json: guidance_embeds: true is not supported/,
    ],
    [{ 'transformer/config.json': { axes_dims_rope: [4, 4] } }, /axes_dims_rope/],
    [
      { 'transformer/config.json': { axes_dims_rope: [3, 1, 2, 2] } },
      /even numbers that add up to attention_head_dim, 8/,
    ],
    [
      { 'transformer/config.json': { joint_attention_dim: 25 } },
      /joint_attention_dim is 25, but the text encoder gives 24/,
    ],
    [
      { 'transformer/config.json': { in_channels: 8 } },
      /takes 8 and gives 8 channels, but the autoencoder has 16/,
    ],
    [
      { 'vae/config.json': { decoder_block_out_channels: [4, 4, 4, 4] } },
      /decoder_block_out_channels: .* is not supported/,
    ],
    [{ 'vae/config.json': { patch_size: [4, 4] } }, /patch_size/],
    [
      { 'text_encoder/config.json': { num_hidden_layers: 12 } },
      /has 12 layers, but the model reads what the 27th one gives/,
    ],
    [
      { 'scheduler/scheduler_config.json': { time_shift_type: 'linear' } },
      /time_shift_type: "linear" is not supported/,
    ],
  ] as const) {
    const model = await changed(change, 'flux2-klein');
    const request = { prompt: 'a house', model, steps: 1, width: 64, height: 64 };
    await assert.rejects(
      engine.generate(request),
      (error) => error instanceof InputError && message.test(error.message),
    );
  }
  const model = path.join(folder, 'flux2-klein');
  await assert.rejects(engine.generate({ prompt: '', model, width: 72, height: 64 }), /multiples? of 16/);
});
