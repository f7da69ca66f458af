import { fs, path } from '#host';
import { subfoldersOf } from './tool-folders.ts';

/** Files that prompts name, in the folders that the usual tools have for them. */
export type NamedKind = 'lora' | 'embedding' | 'wildcard';
/** Small decoders are looked for in the same way. */
type FileKind = NamedKind | 'decoder';

/** Names of their folders in ComfyUI, AUTOMATIC1111, Forge, InvokeAI, SwarmUI, in lower case. */
const FOLDERS: Readonly<Record<FileKind, readonly string[]>> = {
  lora: subfoldersOf('lora'),
  embedding: subfoldersOf('embedding'),
  wildcard: ['wildcards'],
  decoder: ['vae_approx', 'vae-approx'],
};

const ENDINGS: Readonly<Record<FileKind, readonly string[]>> = {
  lora: ['.safetensors', '.pt', '.ckpt', '.bin'],
  embedding: ['.safetensors', '.pt', '.bin', '.ckpt'],
  wildcard: ['.txt'],
  decoder: ['.safetensors', '.pth', '.pt'],
};

/** Folders in which a tool's folder has these, level by level; InvokeAI has one for each family. */
const INNER: readonly (readonly RegExp[])[] = [
  [],
  [/^models$/i],
  [/^models$/i, /^(?:any|sd-\d|sdxl|flux)$/i],
  [/^extensions$/i, /^sd-dynamic-prompts$/i],
  [/^data$/i],
  [/^data$/i, /^models$/i],
];

/** Folders of a tool that hold checkpoints, beside the folders of everything else. */
const CHECKPOINTS = /^(?:checkpoints|stable-diffusion|diffusers|unet|diffusion_models|main)$/i;

/** Files of a kind that are looked at. */
const MAX_FILES = 5000;

/**
 * Files of a kind by their names in lower case, without ending: alone, and with the folders above. If two have the same
 * name, the first root's counts. Folders that do not exist or cannot be read are skipped.
 */
export async function namedFiles(kind: FileKind, roots: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let count = 0;
  for (const folder of await foldersOf(kind, roots))
    for (const inside of (await fs.walk(folder).catch(() => [])).sort()) {
      const ending = ENDINGS[kind].find((end) => inside.toLowerCase().endsWith(end));
      if (!ending || count++ > MAX_FILES) continue;
      const name = inside.slice(0, -ending.length).toLowerCase();
      for (const key of [name, name.split('/').at(-1)!])
        if (!found.has(key)) found.set(key, path.join(folder, inside));
    }
  return found;
}

/** Where to look beside a model, and in the folders that the user named. */
export function rootsFor(model: string, folders: readonly string[]): string[] {
  const beside = path.dirname(model);
  const above = CHECKPOINTS.test(path.basename(beside)) ? [path.dirname(beside)] : [];
  return [model, beside, ...above, ...folders];
}

async function foldersOf(kind: FileKind, roots: readonly string[]): Promise<string[]> {
  const folders = new Set<string>();
  for (const root of roots)
    for (const place of (await Promise.all(INNER.map((levels) => foldersIn(root, levels)))).flat()) {
      const names = await fs.readdir(place).catch(() => []);
      for (const name of names)
        if (FOLDERS[kind].includes(name.toLowerCase())) folders.add(path.join(place, name));
      if (FOLDERS[kind].includes(path.basename(place).toLowerCase())) folders.add(place);
    }
  return [...folders];
}

/** The folders whose names fit these patterns, one for each level below `root`. */
async function foldersIn(root: string, [level, ...below]: readonly RegExp[]): Promise<string[]> {
  if (!level) return [root];
  const names = await fs.readdir(root).catch(() => []);
  const found = names
    .filter((name) => level.test(name))
    .map((name) => foldersIn(path.join(root, name), below));
  return (await Promise.all(found)).flat();
}
