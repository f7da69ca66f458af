import { InputError, quoted } from '../errors.ts';
import { FLUX2_LAYERS } from '../networks/flux2.ts';
import { FLUX2_PROMPT, NITRO_E_PROMPT, type PromptForm, SANA_PROMPT } from '../text/prompt-form.ts';
import type { DenoiserFolder } from '../weights/diffusers.ts';
import type { GenerationDefaults } from './model.ts';

export type TextRole = 'text-encoder' | 'text-encoder-2';

/** What the class of a diffusers pipeline says of a model. */
export interface PipelineKind {
  denoiser: DenoiserFolder;
  /** In the order in which the denoiser expects their states. */
  textRoles: readonly TextRole[];
  /** The denoiser sees a mask and the picture without what is under it, or is used by blending. */
  inpaints?: boolean;
  /** Stable Diffusion XL, whose absent negative prompt stands for zeros unless the index says otherwise. */
  isXl?: boolean;
  /** How its language model is given prompts. */
  prompts?: PromptForm;
  /** The denoiser reads reference images itself, as further positions. */
  readsImages?: boolean;
  /** Layers of it whose states the denoiser reads; see `NetworkOptions`. */
  textLayers?: readonly number[];
  /** The defaults of diffusers' pipeline. */
  recommended?: Partial<GenerationDefaults>;
  /** The same if the index says that the model is distilled. */
  distilled?: Partial<GenerationDefaults>;
}

const plain: PipelineKind = { denoiser: 'unet', textRoles: ['text-encoder'] };
const xl: PipelineKind = {
  denoiser: 'unet',
  textRoles: ['text-encoder', 'text-encoder-2'],
  isXl: true,
};
const sana: PipelineKind = {
  denoiser: 'transformer',
  textRoles: ['text-encoder'],
  prompts: SANA_PROMPT,
  recommended: { steps: 20, guidance: 4.5 },
};
const flux2: PipelineKind = {
  denoiser: 'transformer',
  textRoles: ['text-encoder'],
  prompts: FLUX2_PROMPT,
  readsImages: true,
  textLayers: FLUX2_LAYERS,
  recommended: { steps: 50, guidance: 4 },
  distilled: { steps: 4, guidance: 1 },
};

const nitroE: PipelineKind = {
  denoiser: 'transformer',
  textRoles: ['text-encoder'],
  prompts: NITRO_E_PROMPT,
  recommended: { steps: 20, guidance: 4.5 },
  distilled: { steps: 4, guidance: 0 },
};

const PIPELINES: ReadonlyMap<string, PipelineKind> = new Map([
  ['StableDiffusionPipeline', plain],
  ['StableDiffusionXLPipeline', xl],
  // The same parts, saved by a tool that had a picture to begin with.
  ['StableDiffusionImg2ImgPipeline', plain],
  ['StableDiffusionXLImg2ImgPipeline', xl],
  ['LatentConsistencyModelPipeline', plain],
  ['StableDiffusionInpaintPipeline', { ...plain, inpaints: true }],
  ['StableDiffusionXLInpaintPipeline', { ...xl, inpaints: true }],
  ['SanaPipeline', sana],
  ['SanaSprintPipeline', { ...sana, recommended: { steps: 2, guidance: 4.5 } }],
  ['Flux2KleinPipeline', flux2],
  ['EMMDiTPipeline', nitroE],
]);

/** @throws InputError for a pipeline that is not supported; `file` names it */
export function pipelineNamed(name: string, file: string): PipelineKind {
  const kind = PIPELINES.get(name);
  if (!kind)
    throw new InputError(
      `${file}: pipeline ${quoted(name)} is not supported; supported: ${[...PIPELINES.keys()].join(', ')}.`,
    );
  return kind;
}
