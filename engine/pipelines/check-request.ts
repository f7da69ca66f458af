import * as z from 'zod';
import { path } from '#host';
import {
  CONTROL_HINTS,
  type ControlChoice,
  EDIT_MODES,
  type EditRequest,
  type GenerateRequest,
  type LoraChoice,
  PARALLEL_MODES,
  type PrepareEditRequest,
  type Recipe,
  SPLITS,
  type UpscaleRequest,
  ZOOMS,
} from '../../shared/api.ts';
import { CODINGS } from '../../shared/codings.ts';
import { LIMITS } from '../../shared/limits.ts';
import { eachField, type RequestField, type RequestFields } from '../../shared/requestFields.ts';
import { randomSeed } from '../../shared/seed.ts';
import { isSide, sidesInWords } from '../../shared/sizes.ts';
import { readStepPlan, STEP_KINDS } from '../../shared/stepPlan.ts';
import { InputError, quoted } from '../errors.ts';
import { isRepositoryId } from '../hub/repository-id.ts';
import type { GenerationDefaults } from '../models/model.ts';
import { PICTURE_LIMITS } from '../pictures/open.ts';

export const whole = (name: string, { min, max }: { min: number; max: number }) => {
  const error = `${name} must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const text = (name: string) =>
  z.string({ error: `${name} must be text` }).max(LIMITS.promptCharacters, {
    error: `${name} is longer than ${LIMITS.promptCharacters} characters`,
  });
const oneOf = <const T extends readonly string[]>(name: string, values: T) =>
  z.enum(values, {
    error: (issue) => `Unknown ${name} ${quoted(issue.input)}; known: ${values.join(', ')}`,
  });
/** A side that images of some model may have; `imageSize` asks the model. */
const side = (name: string) => {
  const error = `${name} must be ${sidesInWords()} pixels`;
  return z.number({ error }).refine((pixels) => isSide(pixels), { error });
};
export const between = (name: string, { min, max }: { min: number; max: number }) => {
  const error = `${name} must be a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};
const pixels = (min: number) => z.number().int().min(min).max(PICTURE_LIMITS.side);
export const file = (name: string) =>
  z
    .instanceof(Uint8Array, { error: `${name} must be a picture's bytes` })
    .refine((bytes) => bytes.length <= LIMITS.fileBytes, {
      error: `${name} is larger than ${LIMITS.fileBytes} bytes`,
    });

/** A file, or pixels of one of these numbers of channels. */
export const image = (name: string, ...channels: readonly (1 | 3 | 4)[]) => {
  const side = z.number().int().min(1).max(PICTURE_LIMITS.side);
  const raster = z
    .object({
      width: side,
      height: side,
      channels: z.literal(channels),
      data: z.instanceof(Uint8Array) as z.ZodType<Uint8Array<ArrayBuffer>>,
    })
    .refine(({ width, height, channels, data }) => data.length === width * height * channels, {
      error: `${name} has not as many values as its size says`,
    })
    .refine(({ width, height }) => width * height <= PICTURE_LIMITS.pixels, {
      error: `${name} has more than ${PICTURE_LIMITS.pixels / 1e6} megapixels`,
    });
  return z.union([file(name), raster], { error: `${name} must be a picture's bytes` });
};

/** Checks of fields that requests share; each takes the field's name for its error. */
export const fields = { whole, text, oneOf, side, between, file };

/** How to reach a NATS server; see `BusOptions`. */
export const busSchema = z.object({
  url: z.string().max(1024),
  credentials: z.string().max(4096).optional(),
  authority: z.string().max(4096).optional(),
});

function checkOf(field: RequestField) {
  if ('names' in field) return oneOf(field.title, field.names);
  return 'whole' in field ? whole(field.title, field.whole) : between(field.title, field.number);
}

/** Checks of the fields of the table, each of its field's type. */
const tabled = eachField((field) => checkOf(field).optional()) as unknown as {
  [Name in keyof RequestFields]-?: z.ZodOptional<z.ZodType<NonNullable<RequestFields[Name]>>>;
};

const drawing = {
  ...tabled,
  prompt: text('The prompt'),
  negativePrompt: text('The negative prompt').optional(),
  style: z
    .object({
      name: z.string().min(1).max(LIMITS.styleCharacters),
      prompt: text('The prompt of the style'),
      negativePrompt: text('The negative prompt of the style').optional(),
    })
    .optional(),
  model: z.string().max(4096).optional(),
  editModel: z.string().max(4096).optional(),
  vae: z.string().min(1).max(4096).optional(),
  textEncoders: z.array(z.string().min(1).max(4096)).max(4).optional(),
  seed: whole('The seed', LIMITS.seed).optional(),
  loras: z
    .array(
      z.object({
        lora: z.string().min(1).max(4096),
        strength: between('The strength of a LoRA', LIMITS.loraStrength),
      }),
    )
    .max(LIMITS.loras, { error: `There can be ${LIMITS.loras} LoRA files at most` })
    .optional(),
  controls: z
    .array(
      z
        .object({
          image: image('The control image', 3),
          model: z.string().min(1).max(4096),
          strength: between('The strength of a control image', LIMITS.controlStrength).optional(),
          start: between('The start of a control image', { min: 0, max: 1 }).optional(),
          end: between('The end of a control image', { min: 0, max: 1 }).optional(),
          guess: z.boolean().optional(),
          hint: oneOf('control hint', CONTROL_HINTS).optional(),
        })
        .refine(({ start = 0, end = 1 }) => start < end, {
          error: 'A control image must end after it starts',
        }),
    )
    .max(LIMITS.controls, { error: `There can be ${LIMITS.controls} control images at most` })
    .optional(),
  references: z
    .array(
      z.object({
        image: image('The reference image', 3),
        strength: between('The strength of a reference image', LIMITS.referenceStrength).optional(),
        mask: image('The mask of a reference image', 1).optional(),
      }),
    )
    .max(LIMITS.references, { error: `There can be ${LIMITS.references} reference images at most` })
    .optional(),
  regions: z
    .array(z.object({ prompt: text('The prompt of a region'), mask: image('The mask of a region', 1) }))
    .max(LIMITS.regions, { error: `There can be ${LIMITS.regions} regions at most` })
    .optional(),
  referenceModel: z.string().min(1).max(4096).optional(),
  referenceEncoder: z.string().min(1).max(4096).optional(),
  embeddings: z.array(z.string().min(1).max(4096)).max(LIMITS.files).optional(),
  modelFolders: z.array(z.string().min(1).max(4096)).max(LIMITS.files).optional(),
  threads: whole('Threads', LIMITS.threads).optional(),
  previews: z.boolean().optional(),
  stepPlan: z
    .string()
    .max(3000)
    .refine((plan) => readStepPlan(plan) !== undefined, {
      error: (issue) =>
        `The step plan ${quoted(issue.input)} is not known to this version; its letters may be ${Object.keys(STEP_KINDS).join(', ')}`,
    })
    .optional(),
  workers: whole('Workers', LIMITS.workers).optional(),
  bus: busSchema.optional(),
  patch: z
    .object({
      mode: oneOf('mode', PARALLEL_MODES).optional(),
      warmUp: whole('Warm-up steps', { min: 0, max: LIMITS.steps.max }).optional(),
      coding: oneOf('coding', CODINGS).optional(),
      split: oneOf('split', SPLITS).optional(),
    })
    .optional(),
};
const generateSchema = z.object({
  ...drawing,
  width: side('The width').optional(),
  height: side('The height').optional(),
  remember: z.boolean().optional(),
});
const { prompt: _prompt, regions: _regions, ...unprompted } = drawing;
const prepareSchema = z.object({
  ...unprompted,
  image: image('The image', 3),
  strength: between('Strength', LIMITS.strength).optional(),
  zoom: oneOf('zoom', ZOOMS).optional(),
  masked: z.object({ left: pixels(0), top: pixels(0), width: pixels(1), height: pixels(1) }).optional(),
});
const upscaleSchema = z.object({
  image: image('The image', 3),
  model: z.string().min(1).max(4096),
  scale: between('The scale', LIMITS.upscale).optional(),
  threads: whole('Threads', LIMITS.threads).optional(),
  repaint: z.object({ ...drawing, strength: between('Strength', LIMITS.strength) }).optional(),
});
const editSchema = z.object({
  ...drawing,
  image: image('The image', 3),
  mask: image('The mask', 1).optional(),
  colours: image('The colours', 4).optional(),
  extend: z
    .object({
      left: whole('The extension', LIMITS.extension),
      top: whole('The extension', LIMITS.extension),
      right: whole('The extension', LIMITS.extension),
      bottom: whole('The extension', LIMITS.extension),
    })
    .optional(),
  remove: z.boolean().optional(),
  softMask: z.boolean().optional(),
  maskOf: z.string().max(1000).optional(),
  raw: z.boolean().optional(),
  strength: between('Strength', LIMITS.strength).optional(),
  mode: oneOf('mode', EDIT_MODES).optional(),
  dilation: whole('Dilation', LIMITS.dilation).optional(),
  zoom: oneOf('zoom', ZOOMS).optional(),
});

/** Checks a request from anywhere; throws an `InputError` that names the allowed values. */
export function checkGenerate(request: GenerateRequest): GenerateRequest {
  return check(generateSchema, request);
}

/** The same for an edit. */
export function checkEdit(request: EditRequest): EditRequest {
  return check(editSchema, request);
}

/** The same for an image to make larger. */
export function checkUpscale(request: UpscaleRequest): UpscaleRequest {
  return check(upscaleSchema, request);
}

/** The same for a picture that will probably be edited. */
export function checkPrepareEdit(request: PrepareEditRequest): PrepareEditRequest {
  return check(prepareSchema, request);
}

/** @throws InputError with the first fault. */
export function check<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const result = schema.safeParse(request);
  if (!result.success) throw new InputError(`${result.error.issues[0]!.message}.`);
  return result.data;
}

/** The number of steps that a plan describes. */
function stepsOfPlan(stepPlan: string | undefined): number | undefined {
  return stepPlan === undefined ? undefined : readStepPlan(stepPlan)?.kinds.length;
}

/** Fills in what the request leaves open. The precision is the one that the device computes in. */
export function recipeOf(
  request: GenerateRequest,
  model: { name: string; defaults: GenerationDefaults } & Pick<Recipe, 'scheduler' | 'precision'>,
): Recipe {
  const { defaults } = model;
  return {
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    ...(request.style && { style: request.style.name }),
    model: model.name,
    seed: request.seed ?? randomSeed(),
    steps: request.steps ?? stepsOfPlan(request.stepPlan) ?? defaults.steps,
    guidance: request.guidance ?? defaults.guidance,
    width: request.width ?? defaults.width,
    height: request.height ?? defaults.height,
    ...samplerOf(request, model),
    precision: model.precision,
    ...(request.stepPlan && { stepPlan: request.stepPlan }),
    ...(request.attention && { attention: request.attention }),
    ...(request.decoder === 'fast' && { decoder: request.decoder }),
    ...(request.loras?.length && { loras: request.loras.map(named) }),
    ...(request.clipSkip && { clipSkip: request.clipSkip }),
    ...(request.references?.length && { referredTo: referredTo(request, model.name) }),
    ...(request.regions?.length && { regionPrompts: request.regions.map(({ prompt }) => prompt) }),
    ...(request.controls?.length && { steeredBy: request.controls.map(withoutImage) }),
  };
}

/** The sampler and its noise levels. DPM++ 2M has two names, one of them with Karras' levels. */
function samplerOf(
  { scheduler: asked, sigmas }: GenerateRequest,
  model: Pick<Recipe, 'scheduler'>,
): Pick<Recipe, 'scheduler' | 'sigmas'> {
  const scheduler = asked ?? model.scheduler;
  if (!sigmas) return { scheduler };
  if (scheduler !== 'dpmpp-2m' && scheduler !== 'dpmpp-2m-karras') return { scheduler, sigmas };
  return sigmas === 'karras' ? { scheduler: 'dpmpp-2m-karras' } : { scheduler: 'dpmpp-2m', sigmas };
}

/** @param drawing name of the model that draws, which may read references itself */
function referredTo(
  { references = [], referenceModel }: GenerateRequest,
  drawing: string,
): Recipe['referredTo'] {
  const model = path.basename(referenceModel ?? drawing).replace(/\.safetensors$/i, '');
  return references.map(({ strength = 1 }) => ({ model, strength }));
}

/** A control by its model's name. */
function withoutImage({ image: _, model, ...control }: ControlChoice): Omit<ControlChoice, 'image'> {
  return { model: isRepositoryId(model) ? model : path.basename(model), ...control };
}

/** A LoRA by its name: the hub's, or the file's without folder and ending. */
function named({ lora, strength }: LoraChoice): LoraChoice {
  return { lora: isRepositoryId(lora) ? lora : path.basename(lora).replace(/\.safetensors$/i, ''), strength };
}
