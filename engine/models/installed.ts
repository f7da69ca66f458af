import { fs, path } from '#host';
import { cachedRepositories, findSnapshot, RepositoryCache, type Snapshot } from '../hub/cache.ts';
import type { HubSettings } from '../hub/settings.ts';
import { INDEX_FILE } from '../weights/diffusers.ts';
import { CATALOGUE, catalogueEntry, type InstalledModel, type Purpose, wantedFor } from './catalogue.ts';
import { embeddedModels } from './embedded.ts';
import { toolModels } from './tool-folders.ts';

const PURPOSES: Record<Snapshot['kind'], Purpose> = {
  diffusers: 'pictures',
  autoencoder: 'decoder',
  lora: 'lora',
  files: 'selection',
};

/**
 * What is on this machine: the embedded models, what the shared cache has that Patchwork can use, and what is in folders of
 * other tools.
 */
export async function installedModels({
  cache,
  folders = [],
}: Pick<HubSettings, 'cache'> & { folders?: readonly string[] }): Promise<InstalledModel[]> {
  const embedded = (await embeddedModels()).map(async (model) => ({
    ...model,
    purpose: await embeddedPurpose(model.folder),
    removable: false,
  }));
  const parts = CATALOGUE.filter(({ files }) => files);
  const whole = (await cachedRepositories(cache)).map((id) => ({ id, files: undefined }));
  const found = await Promise.all(
    [...whole, ...parts].map(async ({ id, files }) => {
      const snapshot = await findSnapshot(cache, id.split(':')[0]!, { files });
      if (!snapshot) return [];
      const { folder, kind, bytes } = snapshot;
      const purpose = catalogueEntry(id)?.purpose ?? PURPOSES[kind];
      return [{ id, purpose, folder, bytes, removable: true }];
    }),
  );
  return [...(await Promise.all(embedded)), ...found.flat(), ...(await toolModels(folders))];
}

async function embeddedPurpose(folder: string): Promise<Purpose> {
  return (await fs.exists(path.join(folder, INDEX_FILE))) ? 'pictures' : 'selection';
}

/** Path of an installed model of the hub; undefined if it is not installed or not complete. */
export async function hubFolder(
  name: string,
  { cache }: Pick<HubSettings, 'cache'>,
): Promise<Snapshot | undefined> {
  const wanted = wantedFor(name);
  return await findSnapshot(cache, wanted.id, wanted);
}

/** The file of an installed LoRA. */
export async function loraFileOf(
  name: string,
  settings: Pick<HubSettings, 'cache'>,
): Promise<string | undefined> {
  const snapshot = await hubFolder(name, settings);
  const [file] = snapshot?.files ?? [];
  return snapshot && file ? path.join(snapshot.folder, file) : undefined;
}

/** Removes a model from the shared cache, for all tools that use it. */
export async function removeModel(name: string, { cache }: Pick<HubSettings, 'cache'>): Promise<void> {
  const { id } = wantedFor(name);
  await new RepositoryCache(cache, id).remove(catalogueEntry(name)?.files);
}
