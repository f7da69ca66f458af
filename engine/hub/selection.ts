import { InputError } from '../errors.ts';

/** What a repository holds, as far as Patchwork can use it. */
export type ModelKind = 'diffusers' | 'autoencoder' | 'lora' | 'files';

const INDEX = 'model_index.json';
const NETWORKS = [
  { folder: 'unet', stem: 'diffusion_pytorch_model', required: true },
  { folder: 'vae', stem: 'diffusion_pytorch_model', required: true },
  { folder: 'text_encoder', stem: 'model', required: true },
  { folder: 'text_encoder_2', stem: 'model', required: false },
];
const SMALL = [
  'scheduler/scheduler_config.json',
  'generation_config.json',
  ...['tokenizer', 'tokenizer_2'].flatMap((folder) =>
    ['tokenizer.json', 'vocab.json', 'merges.txt', 'special_tokens_map.json', 'tokenizer_config.json'].map(
      (file) => `${folder}/${file}`,
    ),
  ),
];
const PICKLE = /\.(bin|ckpt|pt|pth|pkl)$/i;

/** What is in a repository or a folder, by the names of its files. */
export function kindOf(names: readonly string[]): ModelKind | undefined {
  const all = new Set(names);
  if (all.has(INDEX)) return 'diffusers';
  if (all.has('config.json') && all.has('diffusion_pytorch_model.safetensors')) return 'autoencoder';
  return loraFile(names) ? 'lora' : undefined;
}

/**
 * The files that Patchwork needs of a repository, the one that tells its kind last, so that it is there only when all
 * are. Weights in half precision are taken where they are published: they are computed in single precision and are
 * half as much to fetch.
 * @throws InputError where something is missing, or only pickles are there.
 */
export function neededFiles(kind: ModelKind, names: readonly string[], origin: string): string[] {
  const all = new Set(names);
  switch (kind) {
    case 'diffusers': {
      const networks = NETWORKS.flatMap(({ folder, stem, required }) => {
        const inside = names.filter((name) => name.startsWith(`${folder}/`));
        if (inside.length === 0 && !required) return [];
        return [...weightFiles(folder, stem, inside, origin), `${folder}/config.json`];
      });
      const missing = [INDEX, ...networks].find((name) => !all.has(name));
      if (missing) throw new InputError(`${origin} has no ${missing}, so Patchwork cannot use it.`);
      return [...networks, ...SMALL.filter((name) => all.has(name)), INDEX];
    }
    case 'autoencoder':
      return ['diffusion_pytorch_model.safetensors', 'config.json'];
    case 'lora':
      return [loraFile(names)!];
    case 'files':
      return [...names];
  }
}

/** The kind, or why Patchwork has no use for the repository. */
export function kindOrRefusal(names: readonly string[], origin: string): ModelKind {
  const kind = kindOf(names);
  if (kind) return kind;
  const pickle = names.find((name) => PICKLE.test(name));
  if (pickle && !names.some((name) => name.endsWith('.safetensors'))) throw pickleRefusal(origin, pickle);
  throw new InputError(
    `${origin} is not laid out as Patchwork needs it: a diffusers model (${INDEX}), an autoencoder, or a LoRA file.`,
  );
}

function weightFiles(folder: string, stem: string, inside: readonly string[], origin: string): string[] {
  const file = (ending: string) => `${folder}/${stem}${ending}`;
  const has = (name: string) => inside.includes(name);
  const shards = inside.filter((name) => /-\d{5}-of-\d{5}(\.fp16)?\.safetensors$/.test(name));
  const half = shards.filter((name) => name.includes('.fp16'));
  const whole = shards.filter((name) => !name.includes('.fp16'));
  if (has(file('.fp16.safetensors'))) return [file('.fp16.safetensors')];
  for (const index of ['.safetensors.index.fp16.json', '.fp16.safetensors.index.json'])
    if (has(file(index)) && half.length > 0) return [...half, file(index)];
  if (has(file('.safetensors'))) return [file('.safetensors')];
  if (has(file('.safetensors.index.json'))) return [...whole, file('.safetensors.index.json')];
  const pickle = inside.find((name) => PICKLE.test(name));
  if (pickle) throw pickleRefusal(origin, pickle);
  throw new InputError(`${origin} has no ${file('.safetensors')}, so Patchwork cannot use it.`);
}

function pickleRefusal(origin: string, pickle: string): InputError {
  return new InputError(
    `${origin} holds ${pickle}, a pickle, which can run any code when it is read; Patchwork takes safetensors only.`,
  );
}

/** The usual name, or the only safetensors file at the top. */
function loraFile(names: readonly string[]): string | undefined {
  if (names.includes('pytorch_lora_weights.safetensors')) return 'pytorch_lora_weights.safetensors';
  const top = names.filter((name) => /^[^/]+\.safetensors$/.test(name));
  return top.length === 1 ? top[0] : undefined;
}
