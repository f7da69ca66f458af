import { fs, modelsFolder, path } from '#host';

/** The model that ships with Patchwork. */
export const EMBEDDED = 'scenes';

/** Its inpainting twin, which is used for edits of all images. */
export const EMBEDDED_EDITING = 'scenes-edit';

/** The ControlNet of both, for outlines. */
export const EMBEDDED_CONTROL = 'scenes-control';

/** Whether a model is one of those that ship with Patchwork and make images. */
export function isEmbedded(name: string = EMBEDDED): boolean {
  return name === EMBEDDED || name === EMBEDDED_EDITING;
}

/** A model that ships with Patchwork. */
interface EmbeddedModel {
  id: string;
  folder: string;
  bytes: number;
}

/** Folder of a model that ships with Patchwork. */
export function embeddedModel(id = EMBEDDED): string {
  return path.join(modelsFolder(), id);
}

export async function embeddedModels(): Promise<EmbeddedModel[]> {
  const root = modelsFolder();
  const files = await fs.walk(root);
  const ids = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
  // Users see the three as one model.
  for (const id of [EMBEDDED_EDITING, EMBEDDED_CONTROL]) ids.delete(id);
  return Promise.all(
    [...ids].sort().map(async (id) => {
      const folders = id === EMBEDDED ? [id, EMBEDDED_EDITING, EMBEDDED_CONTROL] : [id];
      const own = files.filter((file) => folders.includes(file.split('/')[0]!));
      const sizes = await Promise.all(own.map(async (file) => (await fs.stat(path.join(root, file))).size));
      return { id, folder: path.join(root, id), bytes: sizes.reduce((a, b) => a + b, 0) };
    }),
  );
}
