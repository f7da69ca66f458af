import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The model that ships with Patchwork. */
export const EMBEDDED = 'scenes';

/** A model of the package. */
export interface EmbeddedModel {
  id: string;
  folder: string;
  bytes: number;
}

/** `media/models` of the package, from its sources or from the bundle in `dist`. */
function modelsFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = path.join(folder, 'media', 'models');
    if (existsSync(candidate)) return candidate;
    const parent = path.dirname(folder);
    if (parent === folder)
      throw new Error('the folder of the embedded models is missing: reinstall Patchwork');
    folder = parent;
  }
}

export function embeddedModel(id = EMBEDDED): string {
  return path.join(modelsFolder(), id);
}

export async function embeddedModels(): Promise<EmbeddedModel[]> {
  const root = modelsFolder();
  const entries = await readdir(root, { withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ({
        id: name,
        folder: path.join(root, name),
        bytes: await bytesIn(path.join(root, name)),
      })),
  );
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((a, b) => a + b, 0);
}
