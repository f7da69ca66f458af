import { ATTENTIONS, PRECISIONS } from './arithmetic.ts';
import { LIMITS } from './limits.ts';
import { SCHEDULERS, SIGMA_SPACINGS } from './schedulers.ts';

/** `own`: the model's autoencoder; `fast`: TAESD, a tiny one that draws nearly the same, many times faster. */
export const DECODERS = ['own', 'fast'] as const;
export type DecoderChoice = (typeof DECODERS)[number];

/** What a U-Net predicts: the noise, or the velocity between noise and image. */
export const PREDICTIONS = ['epsilon', 'v_prediction'] as const;
export type PredictionType = (typeof PREDICTIONS)[number];

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** A whole number, any number within limits, or one of a few names. */
type Kind = { readonly whole: Limits } | { readonly number: Limits } | { readonly names: readonly string[] };

export type RequestField = Kind & {
  /** What errors call it. */
  readonly title: string;
  /** Its option on the command line, named like the field, for every command that generates. */
  readonly option?: { readonly flags: string; readonly help: string };
};

/**
 * Fields of a request that are a number or a name, and part of what an image is made from. Their types, their checks,
 * the options of the command line and what batches send to workers follow from this table. All are optional.
 */
export const REQUEST_FIELDS = {
  /** Denoising steps. */
  steps: {
    title: 'Steps',
    whole: LIMITS.steps,
    option: { flags: '--steps <n>', help: 'denoising steps' },
  },
  /**
   * Share of the full process's MACs that may be spent. How it is spent is chosen by measurements, and is in the recipe.
   * Absent: all; in an edit, what the editing model's makers recommend.
   */
  budget: {
    title: 'The budget',
    number: LIMITS.budget,
    option: {
      flags: '--budget <share>',
      help: "share of the MACs that may be spent, 0.1 to 1; the best way to spend it is chosen (default: 1; an edit's model may recommend less)",
    },
  },
  /** Classifier-free guidance scale; 1 turns guidance off. */
  guidance: {
    title: 'Guidance',
    number: LIMITS.guidance,
    option: { flags: '--guidance <g>', help: 'guidance scale, 1 for none' },
  },
  scheduler: {
    title: 'scheduler',
    names: SCHEDULERS,
    option: { flags: '--scheduler <name>', help: 'sampler' },
  },
  /** How the noise levels of the steps are spaced; as the model says if absent. */
  sigmas: {
    title: 'sigmas',
    names: SIGMA_SPACINGS,
    option: {
      flags: '--sigmas <name>',
      help: 'how the noise levels of the steps are spaced; ays: Align Your Steps',
    },
  },
  decoder: {
    title: 'decoder',
    names: DECODERS,
    option: { flags: '--decoder <name>', help: 'fast: decode with TAESD or taesana' },
  },
  /**
   * Precision of the denoiser's products: `fp32`; `int8`, which is faster; or `int4`, which takes the least memory. If
   * absent, it is chosen for the model and this machine.
   */
  precision: {
    title: 'precision',
    names: PRECISIONS,
    option: {
      flags: '--precision <name>',
      help: 'numeric precision of the U-Net (default: automatic)',
    },
  },
  attention: {
    title: 'attention',
    names: ATTENTIONS,
    option: { flags: '--attention <name>', help: 'sampled: cheaper on large images, approximate' },
  },
  /**
   * At which layer of the text encoder prompts are read, from the last: 1 the last one, 2 the one before it; the
   * model's own if absent.
   */
  clipSkip: {
    title: 'Clip skip',
    whole: LIMITS.clipSkip,
    option: {
      flags: '--clip-skip <n>',
      help: 'read the prompt at the nth layer from the end of the text encoder; 1 is the last',
    },
  },
  /** For a checkpoint in one file that does not say what its U-Net predicts. */
  prediction: { title: 'prediction', names: PREDICTIONS },
} as const satisfies Record<string, RequestField>;

type Fields = typeof REQUEST_FIELDS;
type ValueOf<Field> = Field extends { names: readonly (infer Name)[] } ? Name : number;

/** The fields as a request has them. */
export type RequestFields = { -readonly [Name in keyof Fields]?: ValueOf<Fields[Name]> };

/** For each field what `make` makes of it. */
export function eachField<Made>(
  make: (field: RequestField, name: keyof RequestFields) => Made,
): Record<keyof RequestFields, Made> {
  const entries = Object.entries(REQUEST_FIELDS) as [keyof RequestFields, RequestField][];
  const made = entries.map(([name, field]) => [name, make(field, name)]);
  return Object.fromEntries(made);
}

/** These fields of something that has more. */
export function requestFields(of: RequestFields): RequestFields {
  return eachField((_, name) => of[name]) as RequestFields;
}
