import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { before } from 'node:test';
import { temporaryFolder } from '../weights/testing.ts';
import { namedFiles } from './named-files.ts';
import { toolModels } from './tool-folders.ts';

const root = await temporaryFolder();

const FILES = [
  'comfy/models/checkpoints/a.safetensors',
  'comfy/models/checkpoints/anime/b.ckpt',
  'comfy/models/unet/c.gguf',
  'comfy/models/vae/d.safetensors',
  'comfy/models/loras/e.safetensors',
  'comfy/models/embeddings/f.pt',
  'comfy/models/controlnet/g.safetensors',
  'comfy/models/text_encoders/q.gguf',
  'comfy/models/ipadapter/r.safetensors',
  'comfy/models/upscale_models/h.pth',
  'comfy/models/checkpoints/notes.txt',
  'comfy/input/i.safetensors',
  'webui/models/Stable-diffusion/j.safetensors',
  'webui/models/VAE/k.vae.pt',
  'webui/models/Lora/l.safetensors',
  'webui/embeddings/m.bin',
  'invoke/models/sdxl/main/n.safetensors',
  'invoke/models/sd-1/vae/o.safetensors',
  'invoke/models/sd-1/main/dreams/model_index.json',
  'invoke/models/sd-1/main/dreams/unet/diffusion_pytorch_model.safetensors',
  'invoke/models/sd-1/controlnet/canny/config.json',
  'invoke/models/sd-1/controlnet/canny/diffusion_pytorch_model.safetensors',
  'invoke/models/sd-1/lora/s.safetensors',
  'invoke/models/sdxl/embedding/t.safetensors',
  'swarm/Models/Lora/u.safetensors',
  'swarm/Models/Embeddings/v.safetensors',
  'swarm/Data/Wildcards/w.txt',
  'Loras/p.safetensors',
];

before(async () => {
  for (const file of FILES) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), 'x');
  }
});
const folders = ['comfy', 'webui', 'invoke', 'swarm', 'Loras', 'missing'].map((name) =>
  path.join(root, name),
);
const below = (place: string) => path.relative(root, place).replaceAll(path.sep, '/');

test('models are distinguished by the folders of ComfyUI, A1111 and InvokeAI; nothing else is listed', async () => {
  const found = await toolModels(folders);
  const listed = Object.fromEntries(found.map(({ id, purpose }) => [below(id), purpose]));
  assert.deepEqual(listed, {
    'comfy/models/checkpoints/a.safetensors': 'pictures',
    'comfy/models/checkpoints/anime/b.ckpt': 'pictures',
    'comfy/models/controlnet/g.safetensors': 'control',
    'comfy/models/embeddings/f.pt': 'embedding',
    'comfy/models/ipadapter/r.safetensors': 'reference',
    'comfy/models/loras/e.safetensors': 'lora',
    'comfy/models/unet/c.gguf': 'pictures',
    'comfy/models/text_encoders/q.gguf': 'text',
    'comfy/models/upscale_models/h.pth': 'upscaler',
    'comfy/models/vae/d.safetensors': 'autoencoder',
    'webui/models/Lora/l.safetensors': 'lora',
    'webui/models/Stable-diffusion/j.safetensors': 'pictures',
    'webui/models/VAE/k.vae.pt': 'autoencoder',
    'webui/embeddings/m.bin': 'embedding',
    'invoke/models/sd-1/controlnet/canny': 'control',
    'invoke/models/sd-1/lora/s.safetensors': 'lora',
    'invoke/models/sd-1/main/dreams': 'pictures',
    'invoke/models/sd-1/vae/o.safetensors': 'autoencoder',
    'invoke/models/sdxl/main/n.safetensors': 'pictures',
    'invoke/models/sdxl/embedding/t.safetensors': 'embedding',
    'swarm/Models/Lora/u.safetensors': 'lora',
    'swarm/Models/Embeddings/v.safetensors': 'embedding',
    'Loras/p.safetensors': 'lora',
  });
  assert.ok(found.every(({ bytes, removable }) => bytes > 0 && !removable));
});

test('what is listed there can be named in a prompt, and so can wildcards', async () => {
  const models = await toolModels(folders);
  for (const kind of ['lora', 'embedding'] as const) {
    const listed = models.filter(({ purpose }) => purpose === kind).map(({ id }) => below(id));
    const named = [...new Set((await namedFiles(kind, folders)).values())].map(below);
    assert.deepEqual(named.sort(), listed.sort());
    assert.ok(listed.length >= 4);
  }
  assert.deepEqual([...(await namedFiles('wildcard', folders)).values()].map(below), [
    'swarm/Data/Wildcards/w.txt',
  ]);
});
