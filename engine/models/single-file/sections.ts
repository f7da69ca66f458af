import type { StoredTensor, WeightSource } from '../../weights/source.ts';
import { below, type Tensors } from '../../weights/views.ts';
import { fromOriginalAutoencoder, isAutoencoder, isOriginalAutoencoder } from './autoencoder.ts';
import { fromClip, fromOpenClip, isClip, isOpenClip } from './text-encoder.ts';
import { fromOriginalUNet, isOriginalUNet, isUNet } from './unet.ts';

/** Where tools put the networks of a checkpoint: prefixes of their tensors' names. */
const UNET_PREFIXES = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''];
const AUTOENCODER_PREFIXES = ['first_stage_model.', 'vae.', ''];
const TEXT_PREFIXES = [
  'cond_stage_model.transformer.',
  'cond_stage_model.model.',
  'conditioner.embedders.0.transformer.',
  'conditioner.embedders.0.model.',
  'conditioner.embedders.1.model.',
  'text_encoders.clip_l.transformer.',
  'text_encoders.clip_g.transformer.',
  'text_encoders.clip_h.transformer.',
  // stable-diffusion.cpp
  'cond_stage_model.1.transformer.',
  'cond_stage_model.1.model.',
  'te.',
  'te.1.',
  'text_encoder.',
  'text_encoder_2.',
  '',
];

/** A text encoder in a checkpoint. */
export interface TextSection {
  prefix: string;
  /** `open`: in OpenCLIP's names. */
  style: 'clip' | 'open';
  tensors: Map<string, StoredTensor>;
}

/** The networks in a checkpoint, each by the names that diffusers and transformers have for its tensors. */
export interface Sections {
  unet?: Map<string, StoredTensor>;
  autoencoder?: Map<string, StoredTensor>;
  texts: TextSection[];
}

/** Finds the networks in a file by the names of its tensors. */
export function sectionsOf(source: WeightSource): Sections {
  const unet = first(UNET_PREFIXES, (prefix) => unetBelow(source, prefix));
  const autoencoder = autoencoderOf(source);
  const texts = TEXT_PREFIXES.flatMap((prefix): TextSection[] => {
    const tensors = below(source, prefix);
    if (isOpenClip(tensors)) return [{ prefix, style: 'open', tensors: fromOpenClip(tensors) }];
    return isClip(tensors) ? [{ prefix, style: 'clip', tensors: fromClip(tensors) }] : [];
  });
  return { ...(unet && { unet }), ...(autoencoder && { autoencoder }), texts };
}

function unetBelow(source: WeightSource, prefix: string): Map<string, StoredTensor> | undefined {
  const tensors = below(source, prefix);
  if (isOriginalUNet(tensors)) return fromOriginalUNet(tensors);
  return isUNet(tensors) ? plain(tensors) : undefined;
}

/** The autoencoder in a file, by diffusers' names. */
export function autoencoderOf(source: WeightSource): Map<string, StoredTensor> | undefined {
  return first(AUTOENCODER_PREFIXES, (prefix) => {
    const tensors = below(source, prefix);
    if (isOriginalAutoencoder(tensors)) return fromOriginalAutoencoder(tensors);
    return isAutoencoder(tensors) ? plain(tensors) : undefined;
  });
}

/** The averaged weights that training keeps beside the trained ones: `model_ema.` and the name without `model.` and dots. */
export function averagedUNet(source: WeightSource): Map<string, StoredTensor> | undefined {
  const trained = below(source, 'model.diffusion_model.');
  const averaged = new Map<string, StoredTensor>();
  for (const name of trained.keys()) {
    const tensor = source.find(`model_ema.diffusion_model${name.replaceAll('.', '')}`);
    if (tensor) averaged.set(name, tensor);
  }
  return isOriginalUNet(averaged) ? fromOriginalUNet(averaged) : undefined;
}

function plain(tensors: Tensors): Map<string, StoredTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, name }]));
}

function first<Item, Found>(
  items: readonly Item[],
  find: (item: Item) => Found | undefined,
): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
