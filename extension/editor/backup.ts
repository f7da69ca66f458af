/** What VS Code keeps of an unsaved picture over an exit: enough to go on without the file. */
import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';
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

const side = z
  .number()
  .int()
  .min(0)
  .max(1 << 16);
const backupSchema = z.object({
  version: z.literal(1),
  file: z.instanceof(Uint8Array),
  disk: z.string().max(200),
  parts: z
    .array(
      z.object({
        layer: z.enum(['pixels', 'mask']),
        left: side,
        top: side,
        width: side,
        height: side,
        deflated: z.instanceof(Uint8Array),
      }),
    )
    .max(2),
  recipe: z.looseObject({ prompt: z.string() }).optional(),
});

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
  let read: unknown;
  try {
    read = deserialize(bytes);
  } catch {
    // Cut off or something else: told below.
  }
  const backup = backupSchema.safeParse(read);
  if (!backup.success) throw damaged();
  // The recipe only goes back into the file that it came from.
  return backup.data as Backup;
}

/**
 * Brings a model of the backup's file to where it was.
 * @throws Error if a part is damaged; the model is as it was then
 */
export function restoreParts(model: PictureModel, { parts }: Backup): void {
  const patches = parts.map(({ layer, deflated, ...area }) => {
    const raster = model[layer];
    if (!fits(area, raster)) throw damaged();
    const bytes = area.width * area.height * raster.channels;
    return { layer, patch: { ...area, data: inflated(deflated, bytes) } satisfies Patch };
  });
  for (const { layer, patch } of patches) paste(model[layer], patch);
}

/** Exactly so many bytes: what inflates to more is not read to its end. */
function inflated(deflated: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    const data = inflateRawSync(deflated, { maxOutputLength: Math.max(1, bytes) });
    if (data.byteLength === bytes) return new Uint8Array(data);
  } catch {
    // Told below.
  }
  throw damaged();
}

function damaged(): Error {
  return new Error(
    'The unsaved edits of a picture could not be restored: their backup is damaged or of another version of Patchwork.',
  );
}
