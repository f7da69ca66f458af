import { stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InputError } from '../errors.ts';
import { ARCHITECTURES } from './architectures.ts';
import { VISION_ARCHITECTURES } from './efficientvit.ts';
import { EMBEDDED, embeddedModel } from './embedded.ts';
import { ModelFolder } from './folder.ts';
import type { Model } from './model.ts';
import { SyntheticModel, type SyntheticOptions } from './synthetic.ts';

/** A model by folder, by name (`scenes`), or an architecture (`sd15`) with synthetic weights. */
export async function openModel(name: string = EMBEDDED, options: SyntheticOptions = {}): Promise<Model> {
  if (Object.hasOwn(ARCHITECTURES, name)) return new SyntheticModel(name, syntheticFolder(), options);
  return openModelFolder(name);
}

/** A model that can draw: a folder, or the embedded one. */
export async function openModelFolder(name: string = EMBEDDED): Promise<ModelFolder> {
  if (name === EMBEDDED) return ModelFolder.open(embeddedModel());
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) return ModelFolder.open(name);
  throw new InputError(
    `There is no model ${name}: give a model folder, ${EMBEDDED}, or for macs and bench an architecture (${[...Object.keys(ARCHITECTURES), ...Object.keys(VISION_ARCHITECTURES)].join(', ')}).`,
  );
}

/** Where generated weights are kept between runs. */
function syntheticFolder(): string {
  return path.join(cacheFolder(), 'synthetic');
}

/** The user's cache folder for Patchwork, by the platform's custom; `PATCHWORK_CACHE` overrides it. */
export function cacheFolder(): string {
  if (process.env.PATCHWORK_CACHE) return path.resolve(process.env.PATCHWORK_CACHE);
  if (process.platform === 'win32')
    return path.join(
      process.env.LOCALAPPDATA ?? path.join(os.homedir(), 'AppData', 'Local'),
      'patchwork',
      'cache',
    );
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'patchwork');
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'patchwork');
}
