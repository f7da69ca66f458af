/** Names in a model folder of the diffusers layout, and in a repository that holds one. */

import { isFileName } from '../../shared/fileNames.ts';

export const INDEX_FILE = 'model_index.json';
export const SCHEDULER_FILE = 'scheduler/scheduler_config.json';
/** Settings that the model's makers recommend; optional. */
export const RECOMMENDED_FILE = 'generation_config.json';

/** Folder of each network, and the stem of its weight files. */
export const NETWORK_FOLDERS = {
  unet: 'diffusion_pytorch_model',
  transformer: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  text_encoder: 'model',
  text_encoder_2: 'model',
} as const;
export type NetworkFolder = keyof typeof NETWORK_FOLDERS;

/** Folders that hold a denoiser, the usual one first. A model has one of them. */
export const DENOISER_FOLDERS = ['unet', 'transformer'] as const satisfies NetworkFolder[];
export type DenoiserFolder = (typeof DENOISER_FOLDERS)[number];

/** The denoiser among the folders of a model; the usual one if it has none. */
export function denoiserFolder(folders: Iterable<string>): DenoiserFolder {
  const all = new Set(folders);
  return DENOISER_FOLDERS.find((folder) => all.has(folder)) ?? DENOISER_FOLDERS[0];
}

/** Stem of the weight files in a folder; folders that are not in the layout follow the denoiser's. */
export function weightStem(folder: string): string {
  return Object.hasOwn(NETWORK_FOLDERS, folder)
    ? NETWORK_FOLDERS[folder as NetworkFolder]
    : NETWORK_FOLDERS[DENOISER_FOLDERS[0]];
}

export const TOKENIZER_FOLDERS = ['tokenizer', 'tokenizer_2'] as const;
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'special_tokens_map.json',
  'tokenizer_config.json',
  'added_tokens.json',
] as const;

/** The usual name of a LoRA file. */
export const LORA_FILE = 'pytorch_lora_weights.safetensors';

/** Names of a network's weight files: one file, or the index of several; float32 or half precision. */
export function weightFiles(stem: string) {
  return {
    float: { file: `${stem}.safetensors`, indexes: [`${stem}.safetensors.index.json`] },
    half: {
      file: `${stem}.fp16.safetensors`,
      indexes: [`${stem}.fp16.safetensors.index.json`, `${stem}.safetensors.index.fp16.json`],
    },
  };
}

/** Python pickles. Reading one can run any code that it contains. */
export const PICKLE = /\.(bin|ckpt|pt|pth|pkl)$/i;

/** Whether a shard named by an index is a file of the index's folder, on every system. */
export function isShardName(name: string): boolean {
  return /^\w[\w.-]{0,200}\.safetensors$/.test(name) && isFileName(name);
}
