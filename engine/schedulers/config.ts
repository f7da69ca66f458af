import * as z from 'zod';
import type { SigmaSpacing } from '../../shared/api.ts';
import { InputError, quoted } from '../errors.ts';
import { parseConfig, supported } from '../networks/config.ts';
import { SPACINGS, type Spacing } from './timesteps.ts';

/** Name of a config in error messages where its path is not known. */
export const SCHEDULER_CONFIG_FILE = 'scheduler_config.json';

/** Upper bound on training timesteps; published models have 1000. */
const MAX_TRAIN_TIMESTEPS = 100_000;

/** An untrusted `scheduler_config.json`, as parsed JSON, and the name of its file. */
export interface SchedulerConfig {
  readonly file: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Positions of the image's latents, on which a dynamic shift depends. */
  readonly positions?: number;
  /** How the user spaces the noise levels, in place of the config's spacing. */
  readonly sigmas?: SigmaSpacing;
  /** For a model of the family of Stable Diffusion XL, which some spacings are made for. */
  readonly isXl?: boolean;
}

/** The config as an object without its nulls: diffusers treats null as absent. */
export function asSchedulerConfig(config: unknown, file: string): SchedulerConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new InputError(`${file} must hold a JSON object with a _class_name.`);
  }
  return { file, values: Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)) };
}

/** Parses a config with a sampler's fields; unknown fields are ignored. */
export function readConfig<Schema extends z.ZodType>(
  schema: Schema,
  config: SchedulerConfig,
): z.output<Schema> {
  return parseConfig(schema, config.values, config.file);
}

/** Fields that change the result in diffusers and are not implemented here. */
export const off = supported([false]).optional();

/** Matters only if the network predicts a variance too; `fixed_small` and the like are for samplers that draw noise. */
const fixedVariance = z
  .custom<unknown>((value) => typeof value !== 'string' || !value.startsWith('learned'), {
    error: (issue) => `${quoted(issue.input)} is not supported: the network would predict a variance too`,
  })
  .optional();

const trainTimesteps = z.number().int().min(1).max(MAX_TRAIN_TIMESTEPS);
const beta = z.number().min(0).max(1);

interface Defaults {
  beta_start: number;
  beta_end: number;
  beta_schedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  timestep_spacing: Spacing;
}

/** Defaults of most diffusers classes. */
export const DDPM_DEFAULTS: Defaults = {
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: 'linear',
  timestep_spacing: 'linspace',
};

/** Fields that every sampler reads, with the names of diffusers and the defaults of one of its classes. */
export function commonFields(defaults: Defaults) {
  return {
    num_train_timesteps: trainTimesteps.default(1000),
    beta_start: beta.default(defaults.beta_start),
    beta_end: beta.default(defaults.beta_end),
    beta_schedule: supported(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default(
      defaults.beta_schedule,
    ),
    trained_betas: z.array(beta).max(MAX_TRAIN_TIMESTEPS).optional(),
    rescale_betas_zero_snr: z.boolean().default(false),
    prediction_type: supported(['epsilon', 'v_prediction', 'sample']).default('epsilon'),
    timestep_spacing: supported(SPACINGS).default(defaults.timestep_spacing),
    steps_offset: z.number().int().min(0).max(MAX_TRAIN_TIMESTEPS).default(0),
    variance_type: fixedVariance,
    use_flow_sigmas: off,
  };
}

/** Fields of the samplers that are defined over noise levels instead of timesteps. */
export const sigmaFields = {
  use_karras_sigmas: z.boolean().default(false),
  sigma_min: z.number().min(0).max(1e6).optional(),
  sigma_max: z.number().positive().max(1e6).optional(),
  final_sigmas_type: supported(['zero', 'sigma_min']),
  use_exponential_sigmas: z.boolean().default(false),
  use_beta_sigmas: off,
};
