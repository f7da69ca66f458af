/** What VS Code keeps of an unsaved picture over an exit: enough to go on without the file. */
import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Recipe } from '../../shared/api.ts';
import { type Area, cut, fits, type Patch, paste } from '../../shared/raster.ts';
import type { Layer, PictureModel } from './pictureModel.ts';

export interface Backup {
  version: 1;
  /** The file's bytes that the edits were made on. */
  file: Uint8Array;
  /** Digest of the file as it was on the disk. */
  disk: string;
  /** The parts of the layers that were not as in the file. */
  parts: (Area & { layer: Layer; deflated: Uint8Array })[];
  recipe?: Recipe;
}

export function backupOf(
  file: Uint8Array,
  disk: string,
  model: PictureModel,
  recipe: Recipe | undefined,
): Uint8Array {
  const parts: Backup['parts'] = [];
  for (const [layer, area] of [['pixels', model.changed] as const, ['mask', model.masked] as const]) {
    if (!area) continue;
    parts.push({ layer, ...area, deflated: deflateRawSync(cut(model[layer], area).data, { level: 1 }) });
  }
  return serialize({ version: 1, file, disk, parts, ...(recipe && { recipe }) } satisfies Backup);
}

/** @throws Error if the bytes are no backup of ours. */
export function readBackup(bytes: Uint8Array): Backup {
  let backup: Partial<Backup> | undefined;
  try {
    backup = deserialize(bytes);
  } catch {
    // Cut off or something else: told below.
  }
  if (backup?.version !== 1 || !(backup.file instanceof Uint8Array) || !Array.isArray(backup.parts))
    throw new Error(
      'The unsaved edits of a picture could not be restored: their backup is damaged or of another version of Patchwork.',
    );
  return backup as Backup;
}

/** Brings a model of the backup's file to where it was. */
export function restoreParts(model: PictureModel, { parts }: Backup): void {
  for (const { layer, deflated, ...area } of parts) {
    const patch: Patch = { ...area, data: new Uint8Array(inflateRawSync(deflated)) };
    if (fits(area, model)) paste(model[layer], patch);
  }
}
