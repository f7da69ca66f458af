/** What steers the images of a request: ControlNets, adapters and reference images. */
import type { GenerateRequest } from '../../shared/api.ts';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import { openControlModel } from '../models/control-model.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { openReferenceModel } from '../models/reference-model.ts';
import { ControlPictures } from './control-pictures.ts';
import type { ReadyModel } from './ready-model.ts';
import { ReferenceImages } from './reference-images.ts';
import { ReferencePictures, referenceGroups } from './reference-pictures.ts';

/** A model with the models that steer the images of a request. @throws InputError if they do not fit together */
export async function steeredModel(
  base: DiffusionModel,
  { controls = [], references = [], referenceModel, referenceEncoder }: Partial<GenerateRequest>,
): Promise<DiffusionModel> {
  if (controls.length === 0 && references.length === 0) return base;
  const models = await Promise.all(controls.map(({ model }) => openControlModel(model)));
  if (references.length === 0 || base.readsImages) {
    if (base.readsImages && referenceModel !== undefined)
      throw new InputError(`${base.name} reads reference images itself: leave out the IP-Adapter.`);
    return models.length > 0 ? base.steered(models, undefined) : base;
  }
  if (referenceModel === undefined)
    throw new InputError(
      'Say with --reference-model which IP-Adapter reads the reference images: give its file.',
    );
  const model = await openReferenceModel(referenceModel, referenceEncoder);
  return base.steered(models, { model, groups: referenceGroups(references) });
}

/** Reads the control and reference images of a request for an image of this size. */
export async function readSteering(
  model: DiffusionModel,
  { controls = [], references = [] }: Pick<GenerateRequest, 'controls' | 'references'>,
  size: { width: number; height: number },
  host: { backend: Backend; threads: number },
): Promise<Pick<ReadyModel, 'controls' | 'images' | 'references'>> {
  const readsImages = model.readsImages && references.length > 0;
  const image = { ...size, scale: model.autoencoder.scale };
  return {
    controls:
      controls.length > 0 ? await ControlPictures.open(controls, model.controls, size, host) : undefined,
    images: readsImages ? await ReferenceImages.open(references, model) : undefined,
    references:
      model.references && (await ReferencePictures.open(references, model.references.model, image, host)),
  };
}
