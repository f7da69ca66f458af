/** What is added to a model for an image, by places, so that another process on this machine can add the same. */
import type { LoraChoice } from '../../shared/api.ts';
import { openAdapter } from '../weights/lora.ts';
import { ARCHITECTURES } from './architectures.ts';
import { openControlModel } from './control-model.ts';
import type { DiffusionModel } from './diffusion-model.ts';
import type { Model } from './model.ts';
import { loraFile, openCheckpoint, openModel } from './open.ts';
import { openReferenceModel } from './reference-model.ts';
import type { FileParts } from './single-file/file-parts.ts';

/** Networks that steer an image. */
export interface SteeringPlaces {
  /** ControlNets and T2I-Adapters; see `openControlModel`. */
  controls?: readonly string[];
  /** An IP-Adapter, its image encoder where that is not beside it, and the groups that are attended to. */
  references?: { model: string; encoder?: string | undefined; groups: readonly { masked: boolean }[] };
}

export interface ModelAdditions extends SteeringPlaces {
  parts?: FileParts;
  loras?: readonly LoraChoice[];
}

/** A model with the networks that steer an image. @throws InputError for one that is not there or of another family */
export async function withSteering(
  base: DiffusionModel,
  { controls = [], references }: SteeringPlaces,
): Promise<DiffusionModel> {
  if (controls.length === 0 && !references) return base;
  const models = await Promise.all(controls.map(openControlModel));
  if (!references) return base.steered(models, undefined);
  const { model, encoder, groups } = references;
  return base.steered(models, { model: await openReferenceModel(model, encoder), groups });
}

/** A model by name as `openModel` finds it, with all that is added to it. */
export async function openWithAdditions(
  name: string,
  { parts, loras = [], ...steering }: ModelAdditions = {},
): Promise<Model> {
  if (Object.hasOwn(ARCHITECTURES, name.replace(/^arch:/, ''))) return openModel(name);
  const base = await openCheckpoint(name, parts);
  const adapters = loras.map(async ({ lora, strength }) => openAdapter(await loraFile(lora), strength));
  const merged = loras.length > 0 ? base.withAdapters(await Promise.all(adapters)).model : base;
  return withSteering(merged, steering);
}
