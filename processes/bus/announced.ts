import { contentHash } from '../../engine/models/content-hash.ts';
import type { Model } from '../../engine/models/model.ts';
import { openModel } from '../../engine/models/open.ts';

/** A worker's model is no longer the one that it announced. */
export class ModelChangedError extends Error {
  override name = 'ModelChangedError';
}

/**
 * Opens a model that a worker has announced.
 * @param hash its content hash, which others know it by. @throws ModelChangedError if its files have changed since
 */
export async function openAnnounced(id: string, hash: string): Promise<Model> {
  const model = await openModel(id);
  if ((await contentHash(model)) !== hash)
    throw new ModelChangedError(
      `the files of ${model.name} have changed since this worker started; start the worker again`,
    );
  return model;
}
