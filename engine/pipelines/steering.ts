/** What steers the images of a request: ControlNets, adapters, reference images and prompts for regions. */
import type { EditRequest, GenerateRequest } from '../../shared/api.ts';
import { defined } from '../../shared/defined.ts';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import { type ModelAdditions, type SteeringPlaces, withSteering } from '../models/additions.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { ControlPictures } from './control-pictures.ts';
import type { ReadyModel } from './ready-model.ts';
import { ReferenceImages } from './reference-images.ts';
import { ReferencePictures, referenceGroups } from './reference-pictures.ts';
import { RegionPrompts } from './region-prompts.ts';
import type { SteeredImage } from './steering-mask.ts';

/** A model with the models that steer the images of a request. @throws InputError if they do not fit together */
export async function steeredModel(
  base: DiffusionModel,
  request: Partial<GenerateRequest>,
): Promise<DiffusionModel> {
  const { references = [], referenceModel } = request;
  if (references.length > 0 && base.readsImages && referenceModel !== undefined)
    throw new InputError(`${base.name} reads reference images itself: leave out the IP-Adapter.`);
  if (references.length > 0 && !base.readsImages && referenceModel === undefined)
    throw new InputError(
      'Say with --reference-model which IP-Adapter reads the reference images: give its file.',
    );
  return withSteering(base, steeringOf(request, base));
}

/** What steers the images of a request, and where its networks are. */
function steeringOf(
  {
    controls = [],
    references = [],
    referenceModel: model,
    referenceEncoder,
    regions,
  }: Partial<GenerateRequest>,
  { readsImages }: DiffusionModel,
): SteeringPlaces {
  const adapter = references.length > 0 && !readsImages && model !== undefined;
  return {
    controls: controls.map((control) => control.model),
    ...(adapter && {
      references: { model, encoder: referenceEncoder, groups: referenceGroups(references) },
    }),
    ...(regions?.length && { regions: regions.length }),
  };
}

/** Everything that a request adds to a model, so that workers can add it too. */
export function additionsOf(request: GenerateRequest | EditRequest, model: DiffusionModel): ModelAdditions {
  const { vae, textEncoders, prediction, loras = [] } = request;
  return { parts: defined({ vae, textEncoders, prediction }), loras, ...steeringOf(request, model) };
}

/** Reads the control and reference images and the regions of a request for an image of this size. */
export async function readSteering(
  model: DiffusionModel,
  {
    controls = [],
    references = [],
    regions = [],
  }: Pick<GenerateRequest, 'controls' | 'references' | 'regions'>,
  size: Omit<SteeredImage, 'scale'>,
  host: { backend: Backend; threads: number },
): Promise<Pick<ReadyModel, 'controls' | 'images' | 'references' | 'regions'>> {
  const readsImages = model.readsImages && references.length > 0;
  const image = { ...size, scale: model.autoencoder.scale };
  const seen = model.references?.model;
  return {
    controls:
      controls.length > 0 ? await ControlPictures.open(controls, model.controls, size, host) : undefined,
    images: readsImages ? await ReferenceImages.open(references, model) : undefined,
    references:
      seen && 'encoder' in seen ? await ReferencePictures.open(references, seen, image, host) : undefined,
    regions: regions.length > 0 ? await RegionPrompts.open(regions, image) : undefined,
  };
}
