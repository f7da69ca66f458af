import type { SchedulerName } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import type { Wanted } from '../hub/cache.ts';
import { isRepositoryId, isRevision } from '../hub/repository-id.ts';
import type { GenerationDefaults } from './model.ts';

/**
 * What a model is for. `edits`: an inpainting model, which edits for another one; it generates too, but not as well.
 * `text`: a text encoder. `part`: something that another model needs and finds automatically.
 */
export type Purpose =
  | 'pictures'
  | 'edits'
  | 'decoder'
  | 'lora'
  | 'selection'
  | 'autoencoder'
  | 'text'
  | 'part'
  | 'embedding'
  | 'control'
  | 'reference'
  | 'upscaler';

/** A model that can be used without a network. */
export interface InstalledModel {
  id: string;
  purpose: Purpose;
  folder: string;
  bytes: number;
  /** False for what comes with Patchwork, and for files of other tools. */
  removable: boolean;
}

/** Models of one family share latents, text encoders, decoders and LoRA files. */
type Family =
  | 'Stable Diffusion 1'
  | 'Stable Diffusion 2'
  | 'Stable Diffusion 1 and 2'
  | 'Stable Diffusion XL'
  | 'SANA'
  | 'FLUX.2'
  | 'Nitro-E'
  | 'EfficientViT-SAM';

/** A published model that Patchwork knows: what can be said about it without asking the hub. */
export interface CatalogueEntry {
  /** Its name at the hub, with a part of the repository after a colon. */
  id: string;
  /** Commit to download by default; the newest if absent. */
  revision?: string;
  purpose: Purpose;
  /** One line for people. */
  about: string;
  /** The licence in the model's card at the time of writing; a download shows the current one. */
  licence: string;
  /** Approximate download size; the hub gives the exact one before a download. */
  bytes: number;
  family: Family;
  /** Name of the architecture, used to predict memory and operations. */
  architecture?: string;
  /** Settings that its makers recommend. */
  recommended?: Partial<GenerationDefaults>;
  /** The sampler that is used with it by default; for a LoRA file the one that the user must choose. */
  scheduler?: SchedulerName;
  /** Only these files of the repository. */
  files?: readonly string[];
  /** For an inpainting model: the models for which it edits, by their names at the hub. */
  editsFor?: readonly string[];
}

const square = (side: number) => ({ width: side, height: side });
/** Licence of SANA's weights and of the language model that reads its prompts. */
const SANA_LICENCE = 'NVIDIA licence (no commercial use), and the Gemma Terms of Use';
const sana = (
  name: string,
  about: string,
  { architecture, bytes, side = 1024 }: { architecture: string; bytes: number; side?: number },
): CatalogueEntry => ({
  id: `Efficient-Large-Model/${name}`,
  purpose: 'pictures',
  about,
  licence: SANA_LICENCE,
  bytes,
  family: 'SANA',
  architecture,
  recommended: { steps: name.includes('Sprint') ? 2 : 20, guidance: 4.5, ...square(side) },
  scheduler: name.includes('Sprint') ? 'scm' : 'dpmpp-2m',
});
/** A transformer in one file, which needs DC-AE and Llama 3.2 beside it. */
const nitroE = (version: string, about: string, steps: number, side: number): CatalogueEntry => ({
  id: `amd/Nitro-E:${version}`,
  purpose: 'pictures',
  about: `${about}; needs DC-AE and Llama 3.2 1B beside it`,
  licence: 'mit',
  bytes: 1.21e9,
  family: 'Nitro-E',
  architecture: `nitro-e-${side}`,
  recommended: { steps, guidance: steps === 4 ? 0 : 4.5, ...square(side) },
  scheduler: 'flow-euler',
  files: [`Nitro-E-${version}.safetensors`],
});
const SAM = 'mit-han-lab/efficientvit-sam';
const selector = (size: string, bytes: number): CatalogueEntry => ({
  id: `${SAM}:${size}`,
  purpose: 'selection',
  family: 'EfficientViT-SAM',
  bytes,
  about: `EfficientViT-SAM ${size.toUpperCase()}: click to select, in any picture`,
  licence: 'apache-2.0',
  files: [`onnx/${size}_encoder.onnx`, `onnx/${size}_decoder.onnx`],
});

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    id: 'nota-ai/bk-sdm-tiny',
    revision: '0364108e53b7f7f4d2585e817a0b7a83dc261cfa',
    purpose: 'pictures',
    about: 'The smallest Stable Diffusion: a distilled 1.4 with few blocks',
    licence: 'creativeml-openrail-m',
    bytes: 1.06e9,
    family: 'Stable Diffusion 1',
    architecture: 'bk-sdm-tiny',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
    scheduler: 'ddim',
  },
  {
    id: 'nota-ai/bk-sdm-small',
    revision: '572238db7ed3a10858900803f3fc8cca53e893e0',
    purpose: 'pictures',
    about: 'A distilled Stable Diffusion 1.4 with fewer blocks',
    licence: 'creativeml-openrail-m',
    bytes: 1.38e9,
    family: 'Stable Diffusion 1',
    architecture: 'bk-sdm-small',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
    scheduler: 'ddim',
  },
  {
    id: 'SimianLuo/LCM_Dreamshaper_v7',
    revision: 'a85df6a8bd976cdd08b4fd8f3b73f229c9e54df5',
    purpose: 'pictures',
    about: 'Stable Diffusion 1 as a latent consistency model: images in 4 steps',
    licence: 'mit',
    bytes: 4.27e9,
    family: 'Stable Diffusion 1',
    architecture: 'lcm',
    recommended: { steps: 4, guidance: 8, ...square(512) },
    scheduler: 'lcm',
  },
  {
    id: 'stabilityai/sd-turbo',
    revision: 'b261bac6fd2cf515557d5d0707481eafa0485ec2',
    purpose: 'pictures',
    about: 'Stable Diffusion 2.1 distilled: images in 1 to 4 steps without guidance',
    licence: 'Stability AI Community',
    bytes: 2.58e9,
    family: 'Stable Diffusion 2',
    architecture: 'sd21',
    recommended: { steps: 1, guidance: 0, ...square(512) },
    scheduler: 'euler',
  },
  {
    id: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    revision: '451f4fe16113bff5a5d2269ed5ad43b0592e9a14',
    purpose: 'pictures',
    about: 'Stable Diffusion 1.5, which most LoRA files are made for',
    licence: 'creativeml-openrail-m',
    bytes: 2.13e9,
    family: 'Stable Diffusion 1',
    architecture: 'sd15',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
    scheduler: 'ddim',
  },
  {
    id: 'stabilityai/sdxl-turbo',
    revision: '71153311d3dbb46851df1931d3ca6e939de83304',
    purpose: 'pictures',
    about: 'Stable Diffusion XL distilled: images in 1 to 4 steps without guidance',
    licence: 'sai-nc-community (no commercial use without a licence of Stability AI)',
    bytes: 6.94e9,
    family: 'Stable Diffusion XL',
    architecture: 'sdxl',
    recommended: { steps: 1, guidance: 0, ...square(512) },
    scheduler: 'euler-a',
  },
  {
    id: 'segmind/SSD-1B',
    revision: '60987f37e94cd59c36b1cba832b9f97b57395a10',
    purpose: 'pictures',
    about: 'A distilled Stable Diffusion XL of half the size',
    licence: 'apache-2.0',
    bytes: 4.47e9,
    family: 'Stable Diffusion XL',
    architecture: 'ssd-1b',
    recommended: { steps: 25, guidance: 9, ...square(1024) },
    scheduler: 'euler',
  },
  {
    id: 'stable-diffusion-v1-5/stable-diffusion-inpainting',
    revision: '8a4288a76071f7280aedbdb3253bdb9e9d5d84bb',
    purpose: 'edits',
    about: 'Stable Diffusion 1.5 for edits: it sees the mask, so that what it paints fits',
    licence: 'creativeml-openrail-m',
    bytes: 2.13e9,
    family: 'Stable Diffusion 1',
    architecture: 'sd15-inpainting',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
    scheduler: 'ddim',
    editsFor: [
      'stable-diffusion-v1-5/stable-diffusion-v1-5',
      'runwayml/stable-diffusion-v1-5',
      'CompVis/stable-diffusion-v1-4',
    ],
  },
  {
    id: 'sd2-community/stable-diffusion-2-inpainting',
    revision: '5f74973cbb64c8568780732c17f43eb269d63a0d',
    purpose: 'edits',
    about: 'Stable Diffusion 2 for edits: it sees the mask, so that what it paints fits',
    licence: 'openrail++',
    bytes: 2.58e9,
    family: 'Stable Diffusion 2',
    architecture: 'sd2-inpainting',
    recommended: { steps: 25, guidance: 7.5, ...square(512) },
    scheduler: 'ddim',
    editsFor: ['sd2-community', 'stabilityai'].flatMap((owner) =>
      ['2', '2-base', '2-1', '2-1-base'].map((version) => `${owner}/stable-diffusion-${version}`),
    ),
  },
  {
    id: 'diffusers/stable-diffusion-xl-1.0-inpainting-0.1',
    revision: '115134f363124c53c7d878647567d04daf26e41e',
    purpose: 'edits',
    about: 'Stable Diffusion XL for edits: it sees the mask, so that what it paints fits',
    licence: 'openrail++',
    bytes: 6.94e9,
    family: 'Stable Diffusion XL',
    architecture: 'sdxl-inpainting',
    recommended: { steps: 25, guidance: 8, ...square(1024) },
    scheduler: 'euler',
    editsFor: ['stabilityai/stable-diffusion-xl-base-1.0'],
  },
  sana('Sana_Sprint_0.6B_1024px_diffusers', 'SANA-Sprint: large images in 2 steps', {
    architecture: 'sana-sprint-600m',
    bytes: 7.7e9,
  }),
  sana('Sana_600M_512px_diffusers', 'SANA, small: linear attention, long prompts', {
    architecture: 'sana-600m-512',
    bytes: 7.7e9,
    side: 512,
  }),
  sana('Sana_1600M_1024px_BF16_diffusers', 'SANA: large images, linear attention, long prompts', {
    architecture: 'sana-1600m',
    bytes: 9.7e9,
  }),
  {
    id: 'black-forest-labs/FLUX.2-klein-4B',
    purpose: 'pictures',
    about:
      'FLUX.2 klein: 4 steps, long prompts, edits by instruction with reference images; slow without a GPU',
    licence: 'apache-2.0',
    bytes: 16e9,
    family: 'FLUX.2',
    architecture: 'flux2-klein-4b',
    recommended: { steps: 4, guidance: 1, ...square(512) },
    scheduler: 'flow-euler',
  },
  nitroE('512px-dist', 'Nitro-E: the smallest transformer, in 4 steps', 4, 512),
  nitroE('512px', 'Nitro-E with guidance: closer to the prompt, in 20 steps', 20, 512),
  nitroE('1024px-dist', 'Nitro-E for larger images, in 4 steps', 4, 1024),
  {
    id: 'mit-han-lab/dc-ae-f32c32-sana-1.0-diffusers',
    purpose: 'part',
    about: 'DC-AE, the autoencoder of Nitro-E and SANA',
    licence: 'see its page; the code is Apache-2.0',
    bytes: 1.25e9,
    family: 'Nitro-E',
    files: ['config.json', 'diffusion_pytorch_model.safetensors'],
  },
  {
    id: 'meta-llama/Llama-3.2-1B',
    purpose: 'part',
    about:
      'The language model that reads the prompts of Nitro-E; its page asks for acceptance of the licence',
    licence: 'Llama 3.2 Community Licence',
    bytes: 2.5e9,
    family: 'Nitro-E',
    files: ['config.json', 'model.safetensors', 'tokenizer.json'],
  },
  {
    id: 'madebyollin/taesd',
    revision: '614f76814bbe30edbe2e627ace1c2234c81a2c0e',
    purpose: 'decoder',
    about: 'A tiny decoder for Stable Diffusion 1 and 2: true previews, faster images',
    licence: 'mit',
    bytes: 9.8e6,
    family: 'Stable Diffusion 1 and 2',
  },
  {
    id: 'madebyollin/taesdxl',
    revision: 'b20258aaef75ef61e659c1e0f14f251cf0ad153e',
    purpose: 'decoder',
    about: 'A tiny decoder for Stable Diffusion XL: true previews, faster images',
    licence: 'mit',
    bytes: 9.8e6,
    family: 'Stable Diffusion XL',
  },
  {
    id: 'latent-consistency/lcm-lora-sdv1-5',
    revision: 'cf2fced511dbe7e26c8d1d397e728fbab875db4b',
    purpose: 'lora',
    about: 'A LoRA file that makes any Stable Diffusion 1.5 draw in 4 to 8 steps, with the scheduler lcm',
    licence: 'openrail++',
    bytes: 135e6,
    family: 'Stable Diffusion 1',
    scheduler: 'lcm',
    recommended: { steps: 6, guidance: 1.5 },
  },
  selector('l0', 139e6),
  selector('l1', 191e6),
  selector('l2', 245e6),
  selector('xl0', 468e6),
  selector('xl1', 813e6),
];

/** The catalogue entry for a name that a user gives, which may end with `@revision`. */
export function catalogueEntry(name: string): CatalogueEntry | undefined {
  const [id] = name.split('@');
  return CATALOGUE.find((entry) => entry.id === id);
}

/** The inpainting model that edits for a model of the hub, whether it is on this machine or not. */
export function inpaintingTwin(name: string): string | undefined {
  const [id = ''] = name.split('@');
  return CATALOGUE.find(({ editsFor }) => editsFor?.includes(id))?.id;
}

/** Says which inpainting model, that is not on this machine, would edit better. */
export function missingTwinWarning(name: string, missing: string): string {
  return `${name} does not see the mask; ${missing} does, so that what it paints fits. Once it is installed it makes the edits: Patchwork: Manage Models… in VS Code, or patchwork models get ${missing} in a terminal.`;
}

/**
 * What to download for a name that a user gives: a catalogue entry at its commit, or the newest commit of any
 * `owner/name`; `@revision` selects another commit, branch or tag.
 * @throws InputError if the name is neither.
 */
export function wantedFor(name: string): Wanted {
  const [id = '', revision] = name.split('@');
  const entry = catalogueEntry(id);
  const repository = id.split(':')[0]!;
  if ((!entry && id !== repository) || !isRepositoryId(repository))
    throw new InputError(`${name} is neither a listed model nor a Hugging Face name (owner/name).`);
  if (revision !== undefined && !isRevision(revision))
    throw new InputError(`${revision} is not a branch, a tag or a commit.`);
  return {
    id: repository,
    ...(revision && { revision }),
    ...(entry?.revision && { suggested: entry.revision }),
    ...(entry?.files && { files: entry.files }),
  };
}
