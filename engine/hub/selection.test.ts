import assert from 'node:assert/strict';
import test from 'node:test';
import { InputError } from '../errors.ts';
import { kindOf, kindOrRefusal, neededFiles } from './selection.ts';
import { indexedFiles } from './shards.ts';

const SMALL = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'tokenizer/vocab.json',
  'tokenizer/merges.txt',
  'unet/config.json',
  'vae/config.json',
  'text_encoder/config.json',
];
const WEIGHTS = [
  'unet/diffusion_pytorch_model.safetensors',
  'vae/diffusion_pytorch_model.safetensors',
  'text_encoder/model.safetensors',
];
const half = (name: string) => name.replace('.safetensors', '.fp16.safetensors');

test('a diffusers model: its networks, configs and tokenizer; the index last', () => {
  const extra = [
    'README.md',
    'model.ckpt',
    'safety_checker/model.safetensors',
    'unet/diffusion_pytorch_model.bin',
  ];
  const files = neededFiles('diffusers', [...SMALL, ...WEIGHTS, ...extra], 'x/y');
  assert.deepEqual([...files].sort(), [...SMALL, ...WEIGHTS].sort());
  assert.equal(files.at(-1), 'model_index.json');
});

test('a diffusion transformer: its folder stands for the U-Net’s, and one of both must be there', () => {
  const names = [...SMALL, ...WEIGHTS].map((name) => name.replace('unet/', 'transformer/'));
  assert.deepEqual([...neededFiles('diffusers', names, 'x/y')].sort(), names.sort());
  const none = names.filter((name) => !name.startsWith('transformer/'));
  assert.throws(() => neededFiles('diffusers', none, 'x/y'), /no unet\//);
});

test('half precision is taken where it is published, whole precision elsewhere', () => {
  const names = [...SMALL, ...WEIGHTS, half(WEIGHTS[0]!)];
  const files = neededFiles('diffusers', names, 'x/y');
  assert.ok(files.includes(half(WEIGHTS[0]!)) && !files.includes(WEIGHTS[0]!));
  assert.ok(files.includes(WEIGHTS[1]!));
});

test('weights in several files come with their index', () => {
  const shards = ['00001-of-00002', '00002-of-00002'].map(
    (number) => `unet/diffusion_pytorch_model-${number}.safetensors`,
  );
  const index = 'unet/diffusion_pytorch_model.safetensors.index.json';
  const files = neededFiles('diffusers', [...SMALL, ...WEIGHTS.slice(1), ...shards, index], 'x/y');
  for (const name of [...shards, index]) assert.ok(files.includes(name), name);
});

test('of two splits side by side those files come that the index names, whatever they are called', async () => {
  const at = (name: string) => `unet/${name}`;
  const index = at('diffusion_pytorch_model.safetensors.index.json');
  const split = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      at(`diffusion_pytorch_model-0000${i + 1}-of-0000${count}.safetensors`),
    );
  const names = [...SMALL, ...WEIGHTS.slice(1), ...split(2), ...split(4), at('odd.safetensors'), index];
  const chosen = async (shards: readonly unknown[]) => {
    const map = Object.fromEntries(shards.map((shard, i) => [`tensor${i}`, shard]));
    const indexed = await indexedFiles('diffusers', names, 'x/y', async () =>
      JSON.stringify({ weight_map: map }),
    );
    return neededFiles('diffusers', names, 'x/y', indexed).filter((name) => /^unet.*safetensors$/.test(name));
  };
  const base = (name: string) => name.slice('unet/'.length);
  assert.deepEqual(await chosen(split(2).map(base)), split(2));
  assert.deepEqual(await chosen(split(4).map(base)), split(4));
  assert.deepEqual(await chosen(['odd.safetensors', 'odd.safetensors']), [at('odd.safetensors')]);
  await assert.rejects(chosen(['gone.safetensors']), /has no unet\/gone\.safetensors/);
  // An index that points elsewhere is ignored.
  for (const odd of ['../x.safetensors', 'a/b.safetensors', 'con.safetensors', 7])
    assert.equal((await chosen([odd])).length, 7 - 1);
});

test('two text encoders where there are two', () => {
  const second = ['text_encoder_2/config.json', 'text_encoder_2/model.safetensors', 'tokenizer_2/vocab.json'];
  const files = neededFiles('diffusers', [...SMALL, ...WEIGHTS, ...second], 'x/y');
  for (const name of second) assert.ok(files.includes(name), name);
});

test('adapters of budget plans are downloaded with their model', () => {
  const adapters = ['budget/few.safetensors', 'budget/alone.safetensors'];
  const others = [
    'budget/old/few.safetensors',
    'budget/few.bin',
    'budget/.few.safetensors',
    'few.safetensors',
  ];
  const files = neededFiles('diffusers', [...SMALL, ...WEIGHTS, ...adapters, ...others], 'x/y');
  assert.deepEqual(
    files.filter((name) => name.includes('few') || name.includes('alone')),
    adapters,
  );
});

test('autoencoders and LoRA files; what is neither is refused, pickles with the reason', () => {
  assert.equal(
    kindOf(['config.json', 'diffusion_pytorch_model.safetensors', 'a.safetensors']),
    'autoencoder',
  );
  assert.equal(kindOf(['README.md', 'style.safetensors']), 'lora');
  assert.deepEqual(neededFiles('lora', ['a.safetensors', 'pytorch_lora_weights.safetensors'], 'x/y'), [
    'pytorch_lora_weights.safetensors',
  ]);
  assert.throws(() => kindOrRefusal(['README.md', 'v1.ckpt'], 'x/y'), /v1\.ckpt, a pickle/);
  assert.throws(() => kindOrRefusal(['README.md'], 'x/y'), /not laid out/);
  const pickled = [...SMALL, 'unet/diffusion_pytorch_model.bin', ...WEIGHTS.slice(1)];
  assert.throws(() => neededFiles('diffusers', pickled, 'x/y'), /diffusion_pytorch_model\.bin, a pickle/);
  assert.throws(() => neededFiles('diffusers', SMALL, 'x/y'), InputError);
});
