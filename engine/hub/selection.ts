import { InputError } from '../errors.ts';
import {
  denoiserFolder,
  INDEX_FILE,
  LORA_FILE,
  NETWORK_FOLDERS,
  type NetworkFolder,
  PICKLE,
  RECOMMENDED_FILE,
  SCHEDULER_FILE,
  TOKENIZER_FILES,
  TOKENIZER_FOLDERS,
  weightFiles,
} from '../weights/diffusers.ts';

/** Kinds of repositories that Patchwork can use. */
export type ModelKind = 'diffusers' | 'autoencoder' | 'lora' | 'files';

/** Folders that a model must have beside its denoiser. */
const REQUIRED: readonly string[] = ['vae', 'text_encoder'] satisfies NetworkFolder[];
const SMALL = [
  SCHEDULER_FILE,
  RECOMMENDED_FILE,
  ...TOKENIZER_FOLDERS.flatMap((folder) => TOKENIZER_FILES.map((file) => `${folder}/${file}`)),
];
/** Weights of an autoencoder that is published by itself. */
const AUTOENCODER = weightFiles(NETWORK_FOLDERS.vae).float.file;

/** The kind of a repository or folder, from its file names. */
export function kindOf(names: readonly string[]): ModelKind | undefined {
  const all = new Set(names);
  if (all.has(INDEX_FILE)) return 'diffusers';
  if (all.has('config.json') && all.has(AUTOENCODER)) return 'autoencoder';
  return loraFile(names) ? 'lora' : undefined;
}

/**
 * The files of a repository that Patchwork needs. The file that identifies the kind comes last, so that it exists only if
 * all others do. Half-precision weights are preferred: they are half the download, and are computed in single precision
 * anyway. `indexed`: files named by each index that was read.
 * @throws InputError if something is missing, or there are only pickles.
 */
export function neededFiles(
  kind: ModelKind,
  names: readonly string[],
  origin: string,
  indexed: ReadonlyMap<string, readonly string[]> = new Map(),
): string[] {
  const all = new Set(names);
  switch (kind) {
    case 'diffusers': {
      const required = [denoiserFolder(names.map((name) => name.split('/')[0]!)), ...REQUIRED];
      const networks = Object.entries(NETWORK_FOLDERS).flatMap(([folder, stem]) => {
        const inside = names.filter((name) => name.startsWith(`${folder}/`));
        if (inside.length === 0 && !required.includes(folder)) return [];
        return [...chosenWeights(folder, stem, inside, origin, indexed), `${folder}/config.json`];
      });
      const missing = [INDEX_FILE, ...networks].find((name) => !all.has(name));
      if (missing) throw new InputError(`${origin} has no ${missing}, so Patchwork cannot use it.`);
      const small = [...SMALL.filter((name) => all.has(name)), ...adapters(names)];
      return [...networks, ...small, INDEX_FILE];
    }
    case 'autoencoder':
      return [AUTOENCODER, 'config.json'];
    case 'lora':
      return [loraFile(names)!];
    case 'files':
      return [...names];
  }
}

/** The kind of a repository. @throws InputError that says why Patchwork cannot use it. */
export function kindOrRefusal(names: readonly string[], origin: string): ModelKind {
  const kind = kindOf(names);
  if (kind) return kind;
  const pickle = names.find((name) => PICKLE.test(name));
  if (pickle && !names.some((name) => name.endsWith('.safetensors'))) throw pickleRefusal(origin, pickle);
  throw new InputError(
    `${origin} is not laid out as Patchwork needs it: a diffusers model (${INDEX_FILE}), an autoencoder, or a LoRA file.`,
  );
}

/** The adapters of a model's own budget plans; see `readBudgetPlans`. */
function adapters(names: readonly string[]): string[] {
  return names.filter((name) => /^budget\/[\w-][\w.-]*\.safetensors$/.test(name));
}

function chosenWeights(
  folder: string,
  stem: string,
  inside: readonly string[],
  origin: string,
  indexed: ReadonlyMap<string, readonly string[]>,
): string[] {
  const inFolder = (name: string) => `${folder}/${name}`;
  const has = (name: string) => inside.includes(inFolder(name));
  const { float, half } = weightFiles(stem);
  const shards = inside.filter((name) => /-\d{5}-of-\d{5}(\.fp16)?\.safetensors$/.test(name));
  const halfShards = shards.filter((name) => name.includes('.fp16'));
  const floatShards = shards.filter((name) => !name.includes('.fp16'));
  if (has(half.file)) return [inFolder(half.file)];
  const halfIndex = half.indexes.find(has);
  const withShards = (index: string, shards: readonly string[]) => [
    ...(indexed.get(inFolder(index)) ?? shards),
    inFolder(index),
  ];
  if (halfIndex && halfShards.length > 0) return withShards(halfIndex, halfShards);
  if (has(float.file)) return [inFolder(float.file)];
  const index = float.indexes.find(has);
  if (index) return withShards(index, floatShards);
  const pickle = inside.find((name) => PICKLE.test(name));
  if (pickle) throw pickleRefusal(origin, pickle);
  throw new InputError(`${origin} has no ${inFolder(float.file)}, so Patchwork cannot use it.`);
}

function pickleRefusal(origin: string, pickle: string): InputError {
  return new InputError(
    `${origin} holds ${pickle}, a pickle, which can run any code when it is read; Patchwork takes safetensors only.`,
  );
}

/** The usual name, or the only safetensors file at the top. */
function loraFile(names: readonly string[]): string | undefined {
  if (names.includes(LORA_FILE)) return LORA_FILE;
  const top = names.filter((name) => /^[^/]+\.safetensors$/.test(name));
  return top.length === 1 ? top[0] : undefined;
}
