import * as z from 'zod';
import { type GenerateRequest, PRECISIONS, type Recipe, SCHEDULERS } from '../api.ts';
import { InputError } from '../errors.ts';
import type { GenerationDefaults } from '../models/model.ts';

/** Bounds on what one call may ask for. */
export const LIMITS = {
  steps: { min: 1, max: 150 },
  guidance: { min: 0, max: 50 },
  /** Pixels along one side. */
  size: { min: 64, max: 2048, multipleOf: 8 },
  seed: { min: 0, max: 2 ** 32 - 1 },
  threads: { min: 0, max: 256 },
  promptCharacters: 10_000,
} as const;

const whole = (name: string, { min, max }: { min: number; max: number }) => {
  const error = `${name} must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const text = (name: string) =>
  z.string({ error: `${name} must be text` }).max(LIMITS.promptCharacters, {
    error: `${name} is longer than ${LIMITS.promptCharacters} characters`,
  });
const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  z.enum(values, {
    error: (issue) => `Unknown ${name} ${JSON.stringify(issue.input)}; known: ${values.join(', ')}`,
  });
const side = (name: string) => {
  const { min, max, multipleOf } = LIMITS.size;
  const error = `${name} must be a multiple of ${multipleOf} from ${min} to ${max} pixels`;
  return z
    .number({ error })
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .multipleOf(multipleOf, { error });
};
const guidanceError = `Guidance must be a number from ${LIMITS.guidance.min} to ${LIMITS.guidance.max}`;

const schema = z.object({
  prompt: text('The prompt'),
  negativePrompt: text('The negative prompt').optional(),
  model: z.string().max(4096).optional(),
  seed: whole('The seed', LIMITS.seed).optional(),
  steps: whole('Steps', LIMITS.steps).optional(),
  guidance: z
    .number({ error: guidanceError })
    .min(LIMITS.guidance.min, { error: guidanceError })
    .max(LIMITS.guidance.max, { error: guidanceError })
    .optional(),
  width: side('The width').optional(),
  height: side('The height').optional(),
  scheduler: oneOf('scheduler', SCHEDULERS).optional(),
  precision: oneOf('precision', PRECISIONS).optional(),
  threads: whole('Threads', LIMITS.threads).optional(),
  previews: z.boolean().optional(),
});

/** Checks a request from anywhere; throws an `InputError` that names the allowed values. */
export function checkRequest(request: GenerateRequest): GenerateRequest {
  const result = schema.safeParse(request);
  if (!result.success) throw new InputError(`${result.error.issues[0]!.message}.`);
  return result.data;
}

/** Fills in what the request leaves open. */
export function recipeOf(
  request: GenerateRequest,
  model: { name: string; defaults: GenerationDefaults; scheduler: Recipe['scheduler'] },
): Recipe {
  const { defaults } = model;
  return {
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    model: model.name,
    seed: request.seed ?? Math.floor(Math.random() * (LIMITS.seed.max + 1)),
    steps: request.steps ?? defaults.steps,
    guidance: request.guidance ?? defaults.guidance,
    width: request.width ?? defaults.width,
    height: request.height ?? defaults.height,
    scheduler: request.scheduler ?? model.scheduler,
    precision: request.precision ?? 'fp32',
  };
}
