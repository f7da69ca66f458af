import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { after } from 'node:test';
import type { GenerateRequest, GenerateResult } from '../../../shared/api.ts';
import { type GgufType, ggufBytes } from '../../../test/support/gguf.ts';
import { writeSingleFile } from '../../../test/support/single-file.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { InputError } from '../../errors.ts';
import { Precisions } from '../../execution/precisions.ts';
import { decodePicture } from '../../pictures/read.ts';
import { loadTokenizer } from '../../text/tokenizer.ts';
import { readFloat32 } from '../../weights/read.ts';
import { openTensors } from '../../weights/tensor-file.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { writeSafetensors } from '../../weights/write.ts';
import { DiffusionModel } from '../diffusion-model.ts';

const folder = await temporaryFolder();
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());
const draw = (model: string, more: Partial<GenerateRequest> = {}) =>
  engine.generate({ prompt: 'a red house', model, seed: 1, steps: 2, width: 64, height: 64, ...more });

const pixelsOf = async ({ picture }: Pick<GenerateResult, 'picture'>) =>
  (await decodePicture(picture.png, 'x')).pixels;

const whole = path.join(folder, 'models/Stable-diffusion/toy.safetensors');
await writeSingleFile(whole);

test('a single file draws, in every precision, and is edited with', async () => {
  const made = await draw(whole);
  const { picture, recipe, warnings } = made;
  assert.equal(recipe.model, 'toy');
  assert.deepEqual(warnings, []);
  const pixels = await pixelsOf(made);
  assert.notDeepEqual(await pixelsOf(await draw(whole, { prompt: 'a cat' })), pixels);
  assert.ok((await draw(whole, { precision: 'int8' })).picture.png.length > 100);
  const edited = await engine.edit({ prompt: 'a cat', model: whole, image: picture.png, steps: 2, seed: 1 });
  assert.notDeepEqual(await pixelsOf(edited), pixels);
});

test('the prediction that a user names counts where the file says none', async () => {
  const [noise, velocity] = [await draw(whole), await draw(whole, { prediction: 'v_prediction' })];
  assert.notDeepEqual(await pixelsOf(noise), await pixelsOf(velocity));
});

test('a file without a VAE: refused with how to name one, drawn with a named or a neighbouring one', async () => {
  const bare = path.join(folder, 'models/Stable-diffusion/bare.safetensors');
  await writeSingleFile(bare, ['vae-decoder', 'vae-encoder']);
  await assert.rejects(draw(bare), (error: InputError) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /bare\.safetensors \(Stable Diffusion 1\) has no autoencoder \(VAE\) in it: name one with --vae/,
    );
    return true;
  });
  const vae = path.join(folder, 'only.vae.safetensors');
  await writeSingleFile(vae, ['denoiser', 'text-encoder']);
  const named = await draw(bare, { vae });
  assert.deepEqual(await pixelsOf(named), await pixelsOf(await draw(whole)));
  await mkdir(path.join(folder, 'models/VAE'));
  await rename(vae, path.join(folder, 'models/VAE/some-vae.safetensors'));
  const found = await draw(bare);
  assert.match(
    found.warnings.join(),
    /bare\.safetensors has no autoencoder; .*some-vae\.safetensors is used/,
  );
});

test('a U-Net in GGUF draws nearly as the file that it was made of, with its other parts named', async () => {
  const source = await openTensors(whole);
  const prefix = 'model.diffusion_model.';
  const names = [...source.names()].filter((name) => name.startsWith(prefix));
  const gguf = path.join(folder, 'toy.gguf');
  const tensors = await Promise.all(
    names.map(async (name) => ({
      name: name.slice(prefix.length),
      shape: source.find(name)!.shape,
      values: await readFloat32(source.find(name)!),
    })),
  );
  const parts = { vae: whole, textEncoders: [whole] };
  const plain = await pixelsOf(await draw(whole));
  for (const [type, most, extra] of [
    ['Q8_0', 3, 0],
    ['Q4_0', 30, 0],
    // Minima are kept in float32, and five bits as eight.
    ['Q4_1', 30, 2],
    ['Q5_1', 15, 14],
  ] as const) {
    await writeFile(gguf, ggufBytes(tensors, type));
    const drawn = await pixelsOf(await draw(gguf, parts));
    const difference = plain.reduce((sum, value, i) => sum + Math.abs(value - drawn[i]!), 0) / plain.length;
    assert.ok(difference > 0 && difference < most, `${type}: mean difference ${difference}`);
    // The same weights in float32.
    const same = path.join(folder, `same-${type}.safetensors`);
    const exact = await openTensors(gguf);
    await writeSafetensors(
      same,
      names.map((name) => {
        const tensor = exact.find(name.slice(prefix.length))!;
        const chunks = async function* () {
          yield new Uint8Array((await readFloat32(tensor)).buffer as ArrayBuffer);
        };
        return { name, dtype: 'F32', shape: tensor.shape, chunks };
      }),
    );
    const expected = await pixelsOf(await draw(same, parts));
    assert.ok(
      drawn.every((value, i) => Math.abs(value - expected[i]!) <= 1),
      type,
    );
    const model = await DiffusionModel.open(gguf, parts);
    const precisions = new Precisions(model, new NodeBackend(1));
    const { bytes, savedByBlocks, halfBytes } = await precisions.stored('denoiser');
    const kept = [...exact.names()].map((name) => {
      const { dtype, length, shape } = exact.find(name)!;
      return length + (dtype === type ? (extra * shape[0]! * shape[1]!) / 32 : 0);
    });
    assert.equal(
      bytes,
      kept.reduce((a, b) => a + b),
      `${type}: blocks stay as large as they are`,
    );
    // In memory scales are float32: of a block of 32 values 4 bytes, with a minimum 8.
    const perBlock = (type.startsWith('Q4') ? 16 : 32) + (type.endsWith('1') ? 8 : 4);
    const inBlocks = tensors.filter(({ name }) => exact.find(name)!.dtype === type);
    const values = inBlocks.reduce((sum, one) => sum + one.values.length, 0);
    assert.equal(savedByBlocks, (values / 32) * (128 - perBlock));
    const halves = [...exact.names()].map((name) => exact.find(name)!).filter(({ dtype }) => dtype === 'F16');
    assert.equal(
      halfBytes,
      halves.reduce((sum, { length }) => sum + length, 0),
    );
  }
  await assert.rejects(draw(gguf), /toy\.gguf \(Stable Diffusion 1\) has no autoencoder/);
});

test('a text encoder in GGUF draws nearly as the one in the file', async () => {
  const source = await openTensors(whole);
  const prefix = 'cond_stage_model.transformer.';
  const names = [...source.names()].filter((name) => name.startsWith(prefix));
  const tensors = await Promise.all(
    names.map(async (name) => {
      const values = await readFloat32(source.find(name)!);
      return { name: name.slice(prefix.length), shape: source.find(name)!.shape, values };
    }),
  );
  const file = path.join(folder, 'clip_l-f16.gguf');
  const drawn = async (type: GgufType, more: Partial<GenerateRequest> = {}) => {
    await writeFile(file, ggufBytes(tensors, type));
    return pixelsOf(await draw(whole, { textEncoders: [file], ...more }));
  };
  const plain = await pixelsOf(await draw(whole));
  const half = await drawn('F16');
  assert.ok(half.every((value, i) => Math.abs(value - plain[i]!) <= 2));
  assert.notDeepEqual(await drawn('F16', { prompt: 'a cat' }), half);
});

test('CLIP’s tokenizer comes with Patchwork', async () => {
  const model = await DiffusionModel.open(whole);
  const { folder: place, pad } = await model.tokenizer('text-encoder');
  const tokenizer = await loadTokenizer(place, pad);
  // The tokens of openai/CLIP and transformers.
  assert.deepEqual(tokenizer.tokens('a photo of a cat'), [320, 1125, 539, 320, 2368]);
  assert.deepEqual(
    tokenizer.tokens("It's 2,000 naïve emojis 😀!"),
    tokenizer.tokens("it's 2,000 naïve emojis 😀!"),
  );
  const framed = tokenizer.frame([320]);
  assert.deepEqual([...framed.subarray(0, 4)], [49406, 320, 49407, 49407]);
  const open = (await loadTokenizer(place, '!')).frame([320]);
  assert.deepEqual([...open.subarray(0, 4)], [49406, 320, 49407, 0]);
});
