import { fs, modelsFolder, path } from '#host';

/** The model that ships with Patchwork. */
export const EMBEDDED = 'scenes';

/** Its twin, which sees the mask: it edits what the other draws, and what anybody else has drawn. */
export const EMBEDDED_EDITING = 'scenes-edit';

/** A model of the package. */
interface EmbeddedModel {
  id: string;
  folder: string;
  bytes: number;
}

/** The folder of a model of the package. */
export function embeddedModel(id = EMBEDDED): string {
  return path.join(modelsFolder(), id);
}

export async function embeddedModels(): Promise<EmbeddedModel[]> {
  const root = modelsFolder();
  const files = await fs.walk(root);
  const ids = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
  // The two are one model to a person.
  ids.delete(EMBEDDED_EDITING);
  return Promise.all(
    [...ids].sort().map(async (id) => {
      const folders = id === EMBEDDED ? [id, EMBEDDED_EDITING] : [id];
      const own = files.filter((file) => folders.includes(file.split('/')[0]!));
      const sizes = await Promise.all(own.map(async (file) => (await fs.stat(path.join(root, file))).size));
      return { id, folder: path.join(root, id), bytes: sizes.reduce((a, b) => a + b, 0) };
    }),
  );
}
