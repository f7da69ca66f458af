import { fs, path } from '#host';
import { INDEX_FILE } from '../weights/diffusers.ts';
import { TENSOR_FILE } from '../weights/tensor-file.ts';
import type { InstalledModel, Purpose } from './catalogue.ts';

/** What ComfyUI, A1111, Forge, InvokeAI and SwarmUI keep in which folders, in lower case. */
const SUBFOLDERS: Readonly<Record<string, Purpose>> = {
  checkpoints: 'pictures',
  'stable-diffusion': 'pictures',
  diffusion_models: 'pictures',
  unet: 'pictures',
  main: 'pictures',
  vae: 'autoencoder',
  text_encoders: 'text',
  text_encoder: 'text',
  clip: 'text',
  lora: 'lora',
  loras: 'lora',
  lycoris: 'lora',
  embedding: 'embedding',
  embeddings: 'embedding',
  textual_inversion: 'embedding',
  controlnet: 'control',
  t2i_adapter: 'control',
  ipadapter: 'reference',
  ip_adapter: 'reference',
  'ip-adapter': 'reference',
  upscale_models: 'upscaler',
  esrgan: 'upscaler',
  realesrgan: 'upscaler',
  spandrel_image_to_image: 'upscaler',
};

/** Names of the folders in which these tools keep models of a purpose, in lower case. */
export function subfoldersOf(purpose: Purpose): string[] {
  return Object.keys(SUBFOLDERS).filter((name) => SUBFOLDERS[name] === purpose);
}

/** The weights of a network that is a folder of its own, without the rest of a model, as InvokeAI keeps them. */
const NETWORK_FILE = /^diffusion_pytorch_model\b/;

/** Bounds on folders that may hold anything. */
const MAX_DEPTH = 6;
const MAX_FILES = 20_000;

/**
 * The models in folders of other tools: files, distinguished by the folders that these tools keep them in, and folders
 * in the diffusers layout. No file is opened. Folders that do not exist are skipped.
 */
export async function toolModels(folders: readonly string[]): Promise<InstalledModel[]> {
  const found = new Map<string, InstalledModel>();
  let seen = 0;
  const visit = async (folder: string, purpose: Purpose | undefined, depth: number): Promise<void> => {
    const names = (await fs.readdir(folder).catch(() => [])).sort();
    if (names.includes(INDEX_FILE)) {
      found.set(folder, entry(folder, 'pictures', await sizeOf(folder)));
      return;
    }
    if (purpose && names.includes('config.json') && names.some((name) => NETWORK_FILE.test(name))) {
      found.set(folder, entry(folder, purpose, await sizeOf(folder)));
      return;
    }
    for (const name of names) {
      if (name.startsWith('.') || ++seen > MAX_FILES) continue;
      const place = path.join(folder, name);
      const stat = await fs.stat(place).catch(() => undefined);
      if (stat?.isDirectory() && depth < MAX_DEPTH)
        await visit(place, SUBFOLDERS[name.toLowerCase()] ?? purpose, depth + 1);
      else if (stat?.isFile() && purpose && TENSOR_FILE.test(name))
        found.set(place, entry(place, purpose, stat.size));
    }
  };
  for (const folder of folders) {
    const root = path.resolve(folder);
    await visit(root, SUBFOLDERS[path.basename(root).toLowerCase()], 0);
  }
  return [...found.values()];
}

function entry(place: string, purpose: Purpose, bytes: number): InstalledModel {
  return { id: place, purpose, folder: place, bytes, removable: false };
}

async function sizeOf(folder: string): Promise<number> {
  const files = await fs.walk(folder).catch(() => []);
  const sizes = await Promise.all(
    files
      .slice(0, MAX_FILES)
      .map(async (file) => (await fs.stat(path.join(folder, file)).catch(() => ({ size: 0 }))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
