import type { DiffusionModel } from '../engine/models/diffusion-model.ts';
import { openCheckpoint } from '../engine/models/open.ts';
import type { GenerateRequest } from '../shared/api.ts';

/** What a request says of its model and of the parts without which that may not be whole. */
export type AskedModel = Pick<GenerateRequest, 'model' | 'textEncoders'>;

/** The model of a request. @throws InputError if it cannot be used */
export async function openAsked({ model, textEncoders }: AskedModel): Promise<DiffusionModel> {
  return await openCheckpoint(model, textEncoders ? { textEncoders } : {});
}
