import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `media/models` of the package, from its sources or from the bundle in `dist`. */
export function modelsFolder(): string {
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
