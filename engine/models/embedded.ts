import { fs, modelsFolder, path } from '#host';

/** The model that ships with Patchwork. */
export const EMBEDDED = 'scenes';

/** A model of the package. */
interface EmbeddedModel {
  id: string;
  folder: string;
  bytes: number;
}

export function embeddedModel(id = EMBEDDED): string {
  return path.join(modelsFolder(), id);
}

export async function embeddedModels(): Promise<EmbeddedModel[]> {
  const root = modelsFolder();
  const files = await fs.walk(root);
  const ids = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!));
  return Promise.all(
    [...ids].sort().map(async (id) => {
      const own = files.filter((file) => file.startsWith(`${id}/`));
      const sizes = await Promise.all(own.map(async (file) => (await fs.stat(path.join(root, file))).size));
      return { id, folder: path.join(root, id), bytes: sizes.reduce((a, b) => a + b, 0) };
    }),
  );
}
