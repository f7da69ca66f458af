import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../weights/testing.ts';
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
  'Loras/p.safetensors',
];

test('models are distinguished by the folders of ComfyUI, A1111 and InvokeAI; nothing else is listed', async () => {
  for (const file of FILES) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), 'x');
  }
  const folders = ['comfy', 'webui', 'invoke', 'Loras', 'missing'].map((name) => path.join(root, name));
  const found = await toolModels(folders);
  const listed = Object.fromEntries(
    found.map(({ id, purpose }) => [path.relative(root, id).replaceAll(path.sep, '/'), purpose]),
  );
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
    'invoke/models/sd-1/main/dreams': 'pictures',
    'invoke/models/sd-1/vae/o.safetensors': 'autoencoder',
    'invoke/models/sdxl/main/n.safetensors': 'pictures',
    'Loras/p.safetensors': 'lora',
  });
  assert.ok(found.every(({ bytes, removable }) => bytes > 0 && !removable));
});
