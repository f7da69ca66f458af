import {
  DEVICE_CHOICES,
  DEVICE_IDS,
  DEVICE_PROVIDERS,
  PRECISIONS,
  SCHEDULER_TITLES,
  SCHEDULERS,
  SIGMA_SPACINGS,
  SIGMA_TITLES,
} from '../shared/api.ts';
import { LIMITS } from '../shared/limits.ts';
import { DECODERS, PREDICTIONS } from '../shared/requestFields.ts';
import { sizesInWords } from '../shared/sizes.ts';

/** Where a setting may be set; see VS Code's contribution points. */
type Scope = 'machine' | 'machine-overridable' | 'resource';

/**
 * A setting as package.json describes it, without what is derived from its name and position. `npm run contributions`
 * writes it there, its texts into package.nls.json, and the README's table.
 */
export interface Setting {
  /** Its meaning in the README's table. */
  does: string;
  /** Its description in VS Code, Markdown. */
  text: string;
  /** Further texts, which the schema names as `%setting.NAME.KEY%`. */
  texts?: Readonly<Record<string, string>>;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  default: unknown;
  scope: Scope;
  /** A field of requests has this name and takes the value as it is; empty or 0 is absent there. */
  request?: true;
  /**
   * What it is for, in sentences about workspaces that are not trusted: these cannot set it, because it leads to files
   * or takes much of the machine.
   */
  restricted?: string;
  [schema: string]: unknown;
}

/** 0 stands for the default. */
const whole = (limits: { max: number }) => ({
  type: 'integer' as const,
  default: 0,
  minimum: 0,
  maximum: limits.max,
});

/** The settings of the section `patchwork`, in the order in which VS Code shows them. */
export const SETTINGS = {
  model: {
    does: 'the model: a folder, or a model installed with *Patchwork: Manage Models…*; empty for the built-in one',
    text: 'The diffusion model: one that *Patchwork: Manage Models…* has downloaded, by its name (`stabilityai/sd-turbo`), a checkpoint in one file (`.safetensors`, `.ckpt`), or a folder in the layout of Hugging Face diffusers (`model_index.json`, `unet/`, …), absolute, starting with `~/`, or relative to the workspace folder. Empty: *Scenes*, the small model that comes with Patchwork.',
    type: 'string',
    default: '',
    scope: 'machine-overridable',
    restricted: 'the models',
  },
  editModel: {
    does: 'the model that edits; empty for the inpainting model that belongs to `patchwork.model`, if it is installed',
    text: 'The diffusion model that edits, given like `#patchwork.model#`; a model for inpainting fits what it paints into the mask. Empty: the inpainting model that belongs to `#patchwork.model#`, if *Patchwork: Manage Models…* has downloaded it, else the model itself.',
    type: 'string',
    default: '',
    scope: 'machine-overridable',
    restricted: 'the models',
  },
  modelFolders: {
    does: 'folders of ComfyUI, A1111, InvokeAI and the like, whose models *Manage Models…* shows',
    text: 'Folders of ComfyUI, A1111, Forge, InvokeAI or SwarmUI. Checkpoints, LoRA files, VAEs, embeddings and ControlNets in their usual subfolders are shown in *Patchwork: Manage Models…*. The files stay where they are.',
    type: 'array',
    items: { type: 'string' },
    default: [],
    scope: 'machine',
  },
  vae: {
    does: "another autoencoder, for single files that have none; empty for the model's own",
    text: "An autoencoder (VAE) that takes the place of the model's own: a file, a folder, or the name of a downloaded model. Needed for single files that have none. Empty: the model's own, or one beside it.",
    type: 'string',
    default: '',
    scope: 'machine-overridable',
    restricted: 'their parts',
  },
  textEncoder: {
    does: "a text encoder in place of the model's own",
    text: "A text encoder that takes the place of the model's own: a file (also GGUF), a folder, or the name of a downloaded model. Needed for single files that have none. Empty: the model's own.",
    type: 'string',
    default: '',
    scope: 'machine-overridable',
    restricted: 'their parts',
  },
  prediction: {
    does: 'what the U-Net of a single file predicts, if the file does not say it',
    text: 'What the U-Net of a single file predicts, if the file does not say so.',
    texts: { default: 'Automatic', epsilon: 'Noise (epsilon)', v_prediction: 'Velocity (v)' },
    type: 'string',
    default: '',
    enum: ['', ...PREDICTIONS],
    enumItemLabels: [
      '%setting.prediction.default%',
      ...PREDICTIONS.map((name) => `%setting.prediction.${name}%`),
    ],
    scope: 'resource',
    request: true,
  },
  size: {
    does: 'size of new images; empty for what the model was trained for',
    text: `Size of new images, like \`256x256\`: ${sizesInWords()}. Empty: the size that the model was trained for.`,
    texts: { error: 'Two numbers joined by x, like 256x256.' },
    type: 'string',
    default: '',
    pattern: '^$|^\\d+x\\d+$',
    patternErrorMessage: '%setting.size.error%',
    scope: 'resource',
  },
  steps: {
    does: 'denoising steps; 0 for what the model recommends',
    text: "Denoising steps. More steps take longer and may look better. `0`: the model's default.",
    ...whole(LIMITS.steps),
    scope: 'resource',
    request: true,
  },
  scheduler: {
    does: "sampler; empty for the model's own",
    text: 'Sampler: how noise is turned into the image step by step.',
    texts: { default: "The model's default" },
    type: 'string',
    default: '',
    enum: ['', ...SCHEDULERS],
    enumItemLabels: ['%setting.scheduler.default%', ...SCHEDULERS.map((name) => SCHEDULER_TITLES[name])],
    scope: 'resource',
    request: true,
  },
  sigmas: {
    does: "spacing of the steps' noise levels; empty for the sampler's own",
    text: 'Sigmas: how the noise levels of the steps are spaced. For samplers that take it.',
    texts: { default: 'As the sampler and the model say' },
    type: 'string',
    default: '',
    enum: ['', ...SIGMA_SPACINGS],
    enumItemLabels: ['%setting.sigmas.default%', ...SIGMA_SPACINGS.map((name) => SIGMA_TITLES[name])],
    scope: 'resource',
    request: true,
  },
  clipSkip: {
    does: 'layer of the text encoder that is read, from the end, as A1111 counts; 0 for what the model was trained with',
    text: 'Clip skip: the layer at which the text encoder is read, counted from the end as in A1111: `1` is the last. `0`: as the model was trained.',
    ...whole(LIMITS.clipSkip),
    scope: 'resource',
    request: true,
  },
  guidance: {
    does: 'how closely images follow the prompt; 0 for what the model recommends',
    text: "How closely the image follows the prompt. `1` turns guidance off, which halves the work. `0`: the model's default.",
    ...whole(LIMITS.guidance),
    type: 'number',
    scope: 'resource',
    request: true,
  },
  negativePrompt: {
    does: 'what new images should not show',
    text: 'What new images should not show, unless the Patchwork view says otherwise.',
    type: 'string',
    default: '',
    scope: 'resource',
    request: true,
  },
  styles: {
    does: 'styles of your own for the view: words that are added to the prompts',
    text: 'Styles of your own for the Patchwork view, by name, beside the included ones; one of the same name replaces it. Each adds words to the prompt, and optionally to the negative prompt: `"Ink": { "prompt": "ink drawing, fine lines", "negativePrompt": "photograph" }`. With Scenes only styles whose words it knows are offered.',
    texts: {
      prompt: 'Follows the prompt after a comma, or has {prompt} where the prompt goes.',
      negativePrompt: 'What images in this style should not show.',
    },
    type: 'object',
    default: {},
    additionalProperties: {
      type: 'object',
      required: ['prompt'],
      additionalProperties: false,
      properties: {
        prompt: { type: 'string', description: '%setting.styles.prompt%' },
        negativePrompt: { type: 'string', description: '%setting.styles.negativePrompt%' },
      },
    },
    scope: 'resource',
  },
  precision: {
    does: '`fp32`, `fp16`, `int8` or `int4`; empty to choose for this machine',
    text: 'Numeric precision of the U-Net.',
    texts: {
      default: 'Automatic',
      'default.description':
        'Chosen by the model, the memory of the machine and a short measurement, which is remembered.',
      fp32: 'Exact, as the model was published.',
      fp16: 'On GPUs that support it: half the memory, and faster. Elsewhere fp32 is used.',
      int8: 'Faster with large models. The first image with a model takes longer, because the model is measured and quantized.',
      int4: 'For machines short of memory.',
    },
    type: 'string',
    default: '',
    enum: ['', ...PRECISIONS],
    enumItemLabels: ['%setting.precision.default%', ...PRECISIONS],
    enumDescriptions: [
      '%setting.precision.default.description%',
      ...PRECISIONS.map((name) => `%setting.precision.${name}%`),
    ],
    scope: 'resource',
    request: true,
  },
  decoder: {
    does: "the model's own decoder, or a fast one",
    text: "What turns the model's result into pixels.",
    texts: {
      own: "The model's own decoder.",
      fast: 'A tiny decoder with nearly the same result, many times faster: TAESD, which Patchwork: Manage Models… downloads, or taesana for SANA and Nitro-E, a file in a folder vae_approx beside the model.',
    },
    type: 'string',
    default: DECODERS[0],
    enum: [...DECODERS],
    enumDescriptions: DECODERS.map((name) => `%setting.decoder.${name}%`),
    scope: 'resource',
  },
  loras: {
    does: 'LoRA files and their strengths',
    text: 'LoRA files to merge into the model, with their strengths (`1` is the intended strength): names that *Patchwork: Manage Models…* has downloaded, or paths of safetensors files.',
    type: 'object',
    default: {},
    additionalProperties: {
      type: 'number',
      minimum: LIMITS.loraStrength.min,
      maximum: LIMITS.loraStrength.max,
    },
    scope: 'machine-overridable',
    restricted: 'LoRA files',
  },
  device: {
    does: 'where networks run: automatic, the processor, or a GPU by WebGPU, DirectML or CUDA ([docs/devices.md](docs/devices.md))',
    text: 'Where networks run. *Patchwork: Choose Device…* lists the devices, tried and timed.',
    texts: {
      auto: 'Automatic',
      'auto.description':
        'The fastest device that computes correctly. A short test finds it, and the result is kept.',
      'cpu.description': 'The processor.',
      'webgpu.description': 'A GPU, by Vulkan, Direct3D 12 or Metal.',
      'dml.description': 'A GPU on Windows, by DirectML.',
      'cuda.description': "An NVIDIA GPU on Linux, where ONNX Runtime's CUDA library and CUDA are installed.",
    },
    type: 'string',
    default: DEVICE_CHOICES[0],
    enum: [...DEVICE_CHOICES],
    enumItemLabels: ['%setting.device.auto%', ...DEVICE_IDS.map((id) => DEVICE_PROVIDERS[id])],
    enumDescriptions: DEVICE_CHOICES.map((name) => `%setting.device.${name}.description%`),
    scope: 'machine-overridable',
    restricted: 'the device',
  },
  threads: {
    does: 'processor threads',
    text: 'Processor threads that the engine uses. `0`: one for each core.',
    ...whole(LIMITS.threads),
    scope: 'machine-overridable',
    request: true,
    restricted: 'the threads',
  },
  workers: {
    does: 'number of worker processes that share an image',
    text: 'Worker processes that share each new image; each holds the model. `0` or `1`: none. With `#patchwork.bus#` set: how many of the workers found there, `0` for all.',
    ...whole(LIMITS.workers),
    scope: 'machine-overridable',
    request: true,
    restricted: 'the workers',
  },
  draftWhilePainting: {
    does: 'quick drafts of an edit in the image editor while its mask is painted, where the machine is fast enough',
    text: 'Show a quick draft of an edit in the image editor while its mask is painted, where one takes less than about a second. Drafts are not edits: nothing of them is kept.',
    type: 'boolean',
    default: true,
    scope: 'resource',
  },
  draftWhileTyping: {
    does: 'quick drafts in the view while a prompt is typed, where the machine is fast enough',
    text: 'Show a quick draft in the Patchwork view while a prompt is typed, where one takes less than about two seconds. Drafts are not kept in the gallery.',
    type: 'boolean',
    default: true,
    scope: 'resource',
  },
  outputFolder: {
    does: 'folder of the workspace in which images are saved',
    text: 'Folder inside the workspace in which images are saved. It is created when needed. Empty: the workspace folder itself.',
    type: 'string',
    default: 'images',
    scope: 'resource',
    restricted: 'the output folder',
  },
  galleryLimit: {
    does: 'disk space in megabytes for the gallery; 0: no limit',
    text: 'Disk space in megabytes for the gallery, which keeps every image that you generate. Beyond it the oldest images are removed; files that you saved elsewhere are not touched. `0`: no limit.',
    type: 'integer',
    default: 2000,
    minimum: 0,
    scope: 'machine',
  },
  featureMemory: {
    does: "memory for the features of images; 0 for a quarter of the machine's",
    text: "Memory in megabytes for what the engine remembers of images, so that editing them computes only the edited part. `0`: a quarter of the machine's memory. Takes effect when the engine restarts.",
    type: 'integer',
    default: 0,
    minimum: 0,
    scope: 'machine',
  },
  bus: {
    does: 'a NATS server through which workers on other machines are found: [docs/workers.md](docs/workers.md)',
    text: 'Address of a NATS server at which workers on other machines are found, like `tls://user:password@host:4222`. Those machines can see your prompts and images. Empty: this machine only.',
    type: 'string',
    default: '',
    scope: 'machine',
  },
  busCredentials: {
    does: 'its credentials file',
    text: 'A NATS credentials file for `#patchwork.bus#`.',
    type: 'string',
    default: '',
    scope: 'machine',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
