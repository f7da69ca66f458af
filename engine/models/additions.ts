/** What is added to a model for an image, by places, so that another process can add the same. */
import type { LoraChoice } from '../../shared/api.ts';
import { openAdapter } from '../weights/lora.ts';
import { ARCHITECTURES } from './architectures.ts';
import { openControlModel } from './control-model.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import type { Model } from './model.ts';
import { loraFile, openCheckpoint, openModel } from './open.ts';
import { openReferenceAdapter, openReferenceModel, type ReferenceAdapter } from './reference-model.ts';
import type { FileParts } from './single-file/file-parts.ts';

/** What steers an image. */
export interface SteeringPlaces {
  /** ControlNets and T2I-Adapters; see `openControlModel`. */
  controls?: readonly string[];
  /** Features of T2I-Adapters that are encoded elsewhere, so that their files are not needed. */
  features?: number;
  /** An IP-Adapter, its image encoder where that is not beside it, and the groups that are attended to. */
  references?: { model: string; encoder?: string | undefined; groups: readonly { masked: boolean }[] };
  /** Number of prompts for regions. */
  regions?: number;
}

export interface ModelAdditions extends SteeringPlaces {
  parts?: FileParts;
  loras?: readonly LoraChoice[];
}

/** A model with the networks that steer an image. @throws InputError for one that is not there or of another family */
export function withSteering(base: DiffusionModel, places: SteeringPlaces): Promise<DiffusionModel> {
  return steeredBy(base, places, openReferenceModel);
}

async function steeredBy(
  base: DiffusionModel,
  { controls = [], features = 0, references, regions = 0 }: SteeringPlaces,
  openReference: (file: string, encoder?: string) => Promise<ReferenceAdapter>,
): Promise<DiffusionModel> {
  if (controls.length === 0 && features === 0 && !references && regions === 0) return base;
  const models = await Promise.all(controls.map(openControlModel));
  if (!references) return base.steered(models, undefined, { features, regions });
  const { model, encoder, groups } = references;
  return base.steered(models, { model: await openReference(model, encoder), groups }, { features, regions });
}

/** A model by name as `openModel` finds it, with all that is added to its denoiser; images are encoded elsewhere. */
export async function openWithAdditions(
  name: string,
  { parts, loras = [], ...steering }: ModelAdditions = {},
): Promise<Model> {
  if (Object.hasOwn(ARCHITECTURES, name.replace(/^arch:/, ''))) return openModel(name);
  const base = await openCheckpoint(name, parts);
  const adapters = loras.map(async ({ lora, strength }) => openAdapter(await loraFile(lora), strength));
  const merged = loras.length > 0 ? base.withAdapters(await Promise.all(adapters)).model : base;
  return steeredBy(merged, steering, openReferenceAdapter);
}
