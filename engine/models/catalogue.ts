import { InputError } from '../errors.ts';
import type { Wanted } from '../hub/fetch-model.ts';
import { isRepositoryId } from '../hub/repository-id.ts';
import type { GenerationDefaults } from './model.ts';

/** What an entry of the catalogue is for. */
export type Purpose = 'pictures' | 'decoder' | 'lora' | 'selection';

/** A published model that Patchwork knows: what is said about it before anything is asked of the hub. */
export interface CatalogueEntry {
  /** Its name at the hub; a part of a repository after a colon. */
  id: string;
  purpose: Purpose;
  /** One line for people. */
  about: string;
  /** The licence, as the model's card had it; fetching shows what the card has now. */
  licence: string;
  /** The architecture by name, from which memory and operations are predicted. */
  architecture?: string;
  /** What its makers recommend. */
  recommended?: Partial<GenerationDefaults>;
  /** Only these files of the repository. */
  files?: readonly string[];
}

const square = (side: number) => ({ width: side, height: side });
const SAM = 'mit-han-lab/efficientvit-sam';
const selector = (size: string): CatalogueEntry => ({
  id: `${SAM}:${size}`,
  purpose: 'selection',
  about: `EfficientViT-SAM ${size.toUpperCase()}: click to select, in any picture`,
  licence: 'apache-2.0',
  files: [`onnx/${size}_encoder.onnx`, `onnx/${size}_decoder.onnx`],
});

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    id: 'nota-ai/bk-sdm-tiny',
    purpose: 'pictures',
    about: 'The smallest Stable Diffusion: a distilled 1.4 with few blocks',
    licence: 'creativeml-openrail-m',
    architecture: 'bk-sdm-tiny',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
  },
  {
    id: 'nota-ai/bk-sdm-small',
    purpose: 'pictures',
    about: 'A distilled Stable Diffusion 1.4 with fewer blocks',
    licence: 'creativeml-openrail-m',
    architecture: 'bk-sdm-small',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
  },
  {
    id: 'SimianLuo/LCM_Dreamshaper_v7',
    purpose: 'pictures',
    about: 'Stable Diffusion 1 as a latent consistency model: pictures in 4 steps',
    licence: 'mit',
    architecture: 'lcm',
    recommended: { steps: 4, guidance: 8, ...square(512) },
  },
  {
    id: 'stabilityai/sd-turbo',
    purpose: 'pictures',
    about: 'Stable Diffusion 2.1 distilled: pictures in 1 to 4 steps without guidance',
    licence: 'Stability AI Community',
    architecture: 'sd21',
    recommended: { steps: 1, guidance: 0, ...square(512) },
  },
  {
    id: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    purpose: 'pictures',
    about: 'Stable Diffusion 1.5, which most LoRA files are made for',
    licence: 'creativeml-openrail-m',
    architecture: 'sd15',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
  },
  {
    id: 'stabilityai/sdxl-turbo',
    purpose: 'pictures',
    about: 'Stable Diffusion XL distilled: pictures in 1 to 4 steps without guidance',
    licence: 'sai-nc-community (no commercial use without a licence of Stability AI)',
    architecture: 'sdxl',
    recommended: { steps: 1, guidance: 0, ...square(512) },
  },
  {
    id: 'segmind/SSD-1B',
    purpose: 'pictures',
    about: 'A distilled Stable Diffusion XL of half the size',
    licence: 'apache-2.0',
    architecture: 'ssd-1b',
    recommended: { steps: 25, guidance: 9, ...square(1024) },
  },
  {
    id: 'madebyollin/taesd',
    purpose: 'decoder',
    about: 'A tiny decoder for Stable Diffusion 1 and 2: true previews, faster pictures',
    licence: 'mit',
  },
  {
    id: 'madebyollin/taesdxl',
    purpose: 'decoder',
    about: 'A tiny decoder for Stable Diffusion XL: true previews, faster pictures',
    licence: 'mit',
  },
  {
    id: 'latent-consistency/lcm-lora-sdv1-5',
    purpose: 'lora',
    about: 'A LoRA file that makes any Stable Diffusion 1.5 draw in 4 to 8 steps, with the scheduler lcm',
    licence: 'openrail++',
  },
  ...['l0', 'l1', 'l2', 'xl0', 'xl1'].map(selector),
];

export function catalogueEntry(id: string): CatalogueEntry | undefined {
  return CATALOGUE.find((entry) => entry.id === id);
}

/**
 * What is to be fetched for a name that a user gives: an entry of the catalogue, or any `owner/name` of the hub, with
 * `@revision` after it where another one than the newest is wanted.
 * @throws InputError for a name that can be neither.
 */
export function wantedFor(name: string): Wanted {
  const [id = '', revision] = name.split('@');
  const entry = catalogueEntry(id);
  const repository = id.split(':')[0]!;
  if ((!entry && id !== repository) || !isRepositoryId(repository))
    throw new InputError(
      `${name} is not a model of the catalogue, nor a name of the hub (owner/name); patchwork models list shows the catalogue.`,
    );
  return { id: repository, ...(revision && { revision }), ...(entry?.files && { files: entry.files }) };
}
