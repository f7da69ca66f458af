import type { PredictionType } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import type { TensorFile } from '../../weights/source.ts';
import type { GenerationDefaults } from '../model.ts';
import type { UNetFacts } from './unet.ts';

/** Families of Stable Diffusion, which share text encoders and latents. */
export type SdFamily = 'sd1' | 'sd2' | 'sdxl';

interface FamilyFacts {
  title: string;
  /** Factor of the latents; see `AutoencoderFacts`. */
  scalingFactor: number;
  /** Side of the images that it was trained on, in latents. */
  sampleSize: number;
  scheduler: string;
  /** A model of the hub whose parts fit. */
  example: string;
  /** Autoencoders that people commonly have, best first. */
  autoencoders: RegExp;
}

export const SD_FAMILIES: Readonly<Record<SdFamily, FamilyFacts>> = {
  sd1: {
    title: 'Stable Diffusion 1',
    scalingFactor: 0.18215,
    sampleSize: 64,
    scheduler: 'DDIMScheduler',
    example: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
    autoencoders: /vae-ft-mse|kl-f8|^(?!.*(?:xl|flux|sd3|^ae\.)).*vae/i,
  },
  sd2: {
    title: 'Stable Diffusion 2',
    scalingFactor: 0.18215,
    sampleSize: 64,
    scheduler: 'DDIMScheduler',
    example: 'stabilityai/sd-turbo',
    autoencoders: /vae-ft-mse|kl-f8|^(?!.*(?:xl|flux|sd3|^ae\.)).*vae/i,
  },
  sdxl: {
    title: 'Stable Diffusion XL',
    scalingFactor: 0.13025,
    sampleSize: 128,
    scheduler: 'EulerDiscreteScheduler',
    example: 'stabilityai/sdxl-turbo',
    autoencoders: /xl.*vae|vae.*xl/i,
  },
};

/** The family of a U-Net, recognized by its shapes. */
export function familyOf({ linear, addedChannels }: UNetFacts): SdFamily {
  if (addedChannels > 0) return 'sdxl';
  return linear ? 'sd2' : 'sd1';
}

/** @throws InputError for relatives of the families that need unsupported parts */
export function refuseRelatives(file: TensorFile, family: SdFamily): void {
  if (file.find('edm_mean') || file.find('edm_vpred.sigma_max'))
    throw new InputError(
      `${file.origin} is trained with another noise process (EDM), which is not supported.`,
    );
  const [first, second] = [
    'conditioner.embedders.0.model.ln_final.weight',
    'conditioner.embedders.1.model.ln_final.weight',
  ];
  if (family === 'sdxl' && file.find(first!) && !file.find(second!))
    throw new InputError(
      `${file.origin} is a refiner of Stable Diffusion XL, which is not supported; use the base model.`,
    );
}

/** What a file says about the prediction of its U-Net. */
interface StatedPrediction {
  prediction: PredictionType | undefined;
  /** Whether the last noise level is pure noise (Lin et al. 2023). */
  zeroTerminal: boolean;
}

/** The prediction type by a file's metadata or markers; undefined if it has none. */
export function predictionIn(file: TensorFile): StatedPrediction {
  const { metadata } = file;
  const zeroTerminal =
    file.find('ztsnr') !== undefined || /^true$/i.test(metadata['modelspec.zero_terminal_snr'] ?? '');
  const stated = (prediction: PredictionType | undefined) => ({ prediction, zeroTerminal });
  if (file.find('v_pred')) return stated('v_prediction');
  const said = metadata['modelspec.prediction_type'] ?? metadata.prediction_type ?? '';
  if (/^v/i.test(said)) return stated('v_prediction');
  if (/^eps/i.test(said)) return stated('epsilon');
  // The base model of Stable Diffusion 2 for 512 pixels, in files of PyTorch.
  if (metadata.global_step === '875000') return stated('epsilon');
  const architecture = metadata['modelspec.architecture'] ?? '';
  if (/768-v/.test(architecture)) return stated('v_prediction');
  return stated(/v2-512/.test(architecture) ? 'epsilon' : undefined);
}

const CONSISTENCY = /[-_ ]lcm|\blcm[-_ ]/i;
const TURBO = /turbo|lightning|hyper/i;

/** How a distilled model is sampled: at trailing timesteps, or as a latent consistency model. */
type Distilled = 'trailing' | 'consistency';

/** Settings of distilled models, which are recognizable by their names only. */
export function recommendedBy(
  name: string,
  family: SdFamily,
): Partial<GenerationDefaults> & { distilled?: Distilled } {
  const distilled = CONSISTENCY.test(name) ? 'consistency' : TURBO.test(name) ? 'trailing' : undefined;
  if (!distilled) return {};
  const side = family === 'sdxl' && !/turbo/i.test(name) ? 1024 : 512;
  return { steps: 4, guidance: 1, width: side, height: side, distilled };
}

/** The noise process of the families, as `scheduler_config.json` has it. */
export function schedulerOf(
  family: SdFamily,
  prediction: PredictionType,
  { zeroTerminal, distilled }: { zeroTerminal: boolean; distilled: Distilled | undefined },
): Record<string, unknown> {
  return {
    _class_name: distilled === 'consistency' ? 'LCMScheduler' : SD_FAMILIES[family].scheduler,
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    num_train_timesteps: 1000,
    clip_sample: false,
    set_alpha_to_one: false,
    steps_offset: 1,
    prediction_type: prediction,
    timestep_spacing: distilled === 'trailing' || zeroTerminal ? 'trailing' : 'leading',
    ...(zeroTerminal && { rescale_betas_zero_snr: true }),
  };
}
