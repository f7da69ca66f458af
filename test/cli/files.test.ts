/** Files of other tools, walked from the command line: what a prompt names, and a checkpoint in every format. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { gaussianNoise } from '../../engine/noise.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { writeSafetensors } from '../../engine/weights/write.ts';
import { writeCheckpoint } from '../support/checkpoints.ts';
import { asPytorch, writePytorch } from '../support/pytorch.ts';
import { writeSingleFile } from '../support/single-file.ts';
import { inTemporaryFolder, patchwork } from './patchwork.ts';

const random = (seed: number, shape: readonly number[]) =>
  gaussianNoise(
    seed,
    5,
    shape.reduce((a, b) => a * b, 1),
  );

/** Writes tensors of random numbers, or of the one given behind the shape. */
async function write(
  file: string,
  tensors: Readonly<Record<string, readonly number[]>>,
  value?: number,
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const written = Object.entries(tensors).map(([name, shape], i) => {
    const values = random(i + 1, shape);
    if (value !== undefined) values.fill(value);
    return { name, shape, dtype: 'F32' as const, chunks: () => [new Uint8Array(values.buffer)] };
  });
  await writeSafetensors(file, written);
}

const BLOCK = 'down_blocks.0.attentions.0.transformer_blocks.0';
const QUERY = `${BLOCK}.attn1.to_q`;
const CONV = 'down_blocks.0.resnets.0.conv1';
const kohya = (path: string) => `lora_unet_${path.replaceAll('.', '_')}`;
/** Shapes of parts, behind a module's key. */
const parts = (key: string, shapes: Readonly<Record<string, readonly number[]>>) =>
  Object.fromEntries(Object.entries(shapes).map(([part, shape]) => [`${key}.${part}`, shape]));
const halves = { 'lora_down.weight': [4, 8], 'lora_up.weight': [8, 4] };

/** A file of each kind: its query is [8, 8], its convolution [8, 8, 3, 3], its norm [8]. */
const LORAS = {
  lora: parts(kohya(QUERY), halves),
  locon: parts(kohya(CONV), { 'lora_down.weight': [4, 8, 3, 3], 'lora_up.weight': [8, 4, 1, 1] }),
  tucker: parts(kohya(CONV), {
    'lora_down.weight': [4, 8, 1, 1],
    'lora_mid.weight': [4, 4, 3, 3],
    'lora_up.weight': [8, 4, 1, 1],
  }),
  loha: parts(kohya(QUERY), { hada_w1_a: [8, 2], hada_w1_b: [2, 8], hada_w2_a: [8, 2], hada_w2_b: [2, 8] }),
  lokr: parts(kohya(QUERY), { lokr_w1: [2, 2], lokr_w2: [4, 4] }),
  glora: parts(kohya(QUERY), {
    'a1.weight': [8, 4],
    'a2.weight': [4, 8],
    'b1.weight': [8, 4],
    'b2.weight': [4, 8],
  }),
  ia3: parts(kohya(QUERY), { weight: [8], on_input: [1] }),
  full: parts(kohya(QUERY), { diff: [8, 8] }),
  norm: parts(kohya(`${BLOCK}.norm1`), { w_norm: [8], b_norm: [8] }),
  dora: parts(kohya(QUERY), { ...halves, dora_scale: [8, 1] }),
  peft: parts(`base_model.model.unet.${QUERY}`, {
    'lora_A.style.weight': [3, 8],
    'lora_B.style.weight': [8, 3],
  }),
  diffusers: parts(`unet.${QUERY.replace('to_q', 'processor.to_q_lora')}`, {
    'down.weight': [5, 8],
    'up.weight': [8, 5],
  }),
  text: parts('lora_te_text_model_encoder_layers_1_self_attn_v_proj', {
    'lora_down.weight': [4, 16],
    'lora_up.weight': [16, 4],
  }),
};

/** Files that are wrong, and what is said of each. */
const WRONG: Record<string, [Record<string, number[]>, RegExp, number?]> = {
  half: [{ [`${kohya(QUERY)}.hada_w1_a`]: [8, 2] }, /attn1_to_q" is not whole: there is hada_w1_a without/],
  wide: [
    { [`${kohya(QUERY)}.diff`]: [8, 9] },
    /attn1_to_q" \(diff \[8,9\]\) does not fit the weight of shape/,
  ],
  oft: [{ [`${kohya(QUERY)}.oft_blocks`]: [2, 4, 4] }, /is OFT \(".*attn1_to_q\.oft_blocks"\)/],
  boft: [{ [`${kohya(QUERY)}.boft_b0`]: [2, 4, 4] }, /OFT \(".*attn1_to_q\.boft_b0"\)/],
  vera: [{ [`${kohya(QUERY)}.vera_lambda_b`]: [8] }, /is VeRA \(".*attn1_to_q\.vera_lambda_b"\)/],
  odd: [parts(kohya(QUERY), halves) as never, /attn1_to_q" holds numbers that are not finite/, Number.NaN],
  network: [{ 'conv_in.weight': [8, 4, 3, 3] }, /"conv_in\.weight".*is it a LoRA file/],
};

/** Draws each prompt, in one process. @returns pixels by prompt, what was said, and the reasons of failures by prompt */
async function drawn(folder: string, model: string, prompts: readonly string[], ...more: string[]) {
  const [list, out] = [path.join(folder, 'prompts.txt'), path.join(folder, `out-${prompts.length}`)];
  await writeFile(list, prompts.join('\n'));
  const given = ['--prompts', list, '-o', out, '--model', model, '--model-folder', path.join(folder, 'tool')];
  const how = [
    '--size',
    '64x64',
    '--steps',
    '1',
    '--seed',
    '3',
    '--threads',
    '1',
    '--json',
    '--precision',
    'fp32',
  ];
  const { stdout, stderr } = await patchwork(['batch', ...given, ...how, ...more]);
  const { pictures, failed } = JSON.parse(stdout || '{}') as {
    pictures: { prompt: string; file: string }[];
    failed: { prompt: string; error: string }[];
  };
  const pixels = new Map<string, string>();
  for (const { prompt, file } of pictures) pixels.set(prompt, await pixelsOf(file));
  return { pixels, stderr, errors: new Map(failed.map(({ prompt, error }) => [prompt, error])) };
}

async function pixelsOf(file: string): Promise<string> {
  return Buffer.from((await decodePicture(await readFile(file), file)).pixels).toString('base64');
}

test('a prompt names LoRA files of every kind, and one that is wrong is said with its file and key', () =>
  inTemporaryFolder(async (folder) => {
    const model = path.join(folder, 'sd15');
    await writeCheckpoint(model, 'sd15');
    const place = (name: string) => path.join(folder, 'tool', 'loras', `${name}.safetensors`);
    for (const [name, tensors] of Object.entries(LORAS)) await write(place(name), tensors);
    for (const [name, [tensors, , value]] of Object.entries(WRONG)) await write(place(name), tensors, value);
    await asPytorch(place('lora'), path.join(folder, 'tool', 'loras', 'pickled.pt'));
    const named = (name: string) => `a house <lora:${name}:0.7>`;
    const names = [...Object.keys(LORAS), 'pickled', ...Object.keys(WRONG)];
    const { pixels, errors, stderr } = await drawn(folder, model, ['a house', ...names.map(named)]);
    const images = ['a house', ...Object.keys(LORAS).map(named)].map((prompt) => pixels.get(prompt));
    assert.ok(images.every(Boolean), stderr);
    assert.equal(new Set(images).size, images.length, 'each changes the image in its own way');
    assert.equal(pixels.get(named('pickled')), pixels.get(named('lora')));
    for (const [name, [, sentence]] of Object.entries(WRONG)) {
      assert.match(errors.get(named(name)) ?? '', sentence);
      assert.ok(errors.get(named(name))!.includes(`${name}.safetensors`), errors.get(named(name)));
    }
    assert.equal(errors.size, Object.keys(WRONG).length);
  }));

test('a prompt names trained words of every form; one of another model is said with its file', () =>
  inTemporaryFolder(async (folder) => {
    const [model, xl] = [path.join(folder, 'sd15'), path.join(folder, 'xl')] as const;
    await writeCheckpoint(model, 'sd15');
    await writeCheckpoint(xl, 'sdxl-turbo');
    const place = (name: string) => path.join(folder, 'tool', 'embeddings', name);
    await write(place('plain.safetensors'), { emb_params: [2, 16] });
    const values = random(9, [3, 16]);
    const old = { string_to_token: {}, string_to_param: { '*': { shape: [3, 16], values } } };
    await writePytorch(place('old.pt'), old);
    await writePytorch(place('learned_embeds.bin'), { '<cat>': { shape: [16], values: random(8, [16]) } });
    await write(place('pair.safetensors'), { clip_l: [2, 8], clip_g: [2, 16] });
    await write(place('wide.safetensors'), { emb_params: [2, 24] });
    await write(place('odd.safetensors'), { 'conv_in.weight': [8, 4, 3, 3] });
    const named = ['plain', 'old', 'learned_embeds'].map((name) => `a embedding:${name} house`);
    const wrong = ['wide', 'odd'].map((name) => `a embedding:${name} house`);
    const prompts = ['a house', ...named, 'a <cat> house', ...wrong];
    const { pixels, stderr } = await drawn(folder, model, prompts);
    assert.equal(pixels.size, prompts.length, stderr);
    assert.equal(new Set(['a house', ...named].map((prompt) => pixels.get(prompt))).size, 4);
    assert.equal(pixels.get('a <cat> house'), pixels.get(named[2]!));
    assert.match(
      stderr,
      /embedding:wide in the prompt was left out: .*wide\.safetensors is made for another model/,
    );
    assert.match(
      stderr,
      /embedding:odd in the prompt was left out: .*odd\.safetensors holds "conv_in\.weight"/,
    );
    const both = await drawn(folder, xl, ['a house', 'a embedding:pair house']);
    assert.equal(new Set(both.pixels.values()).size, 2, both.stderr);
  }));

test('checkpoints of PyTorch, one file and a folder, draw what the same weights in safetensors draw', () =>
  inTemporaryFolder(async (folder) => {
    const single = path.join(folder, 'toy.safetensors');
    await writeSingleFile(single);
    await asPytorch(single, path.join(folder, 'toy.ckpt'));
    const [model, old] = [path.join(folder, 'sd15'), path.join(folder, 'old')] as const;
    await writeCheckpoint(model, 'sd15');
    await cp(model, old, { recursive: true });
    for (const [part, stem, ending] of [
      ['unet', 'diffusion_pytorch_model', 'bin'],
      ['vae', 'diffusion_pytorch_model', 'bin'],
      ['text_encoder', 'model', 'bin'],
    ] as const) {
      const file = path.join(old, part, `${stem}.safetensors`);
      await asPytorch(file, path.join(old, part, `${stem.replace(/^model$/, 'pytorch_model')}.${ending}`));
      await rm(file);
    }
    const how = ['--size', '64x64', '--steps', '1', '--seed', '3', '--threads', '1', '--precision', 'fp32'];
    const draw = async (place: string) => {
      const out = path.join(folder, 'out.png');
      const { code, stderr } = await patchwork(['generate', 'a house', '-o', out, '--model', place, ...how]);
      assert.equal(code, 0, stderr);
      return pixelsOf(out);
    };
    assert.equal(await draw(path.join(folder, 'toy.ckpt')), await draw(single));
    assert.equal(await draw(old), await draw(model));
  }));
