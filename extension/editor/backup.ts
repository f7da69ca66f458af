/** The backup of an unsaved picture that VS Code keeps over an exit: enough to continue without the file. */
import { deserialize, serialize } from 'node:v8';
import * as z from 'zod';
import { NO_ADDITIONS, NO_CONTROL } from '../../shared/additions.ts';
import { PRECISIONS } from '../../shared/api.ts';
import { EDIT_WAYS, MOST_VARIATIONS, NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import { cut, fits, type Patch, paste } from '../../shared/raster.ts';
import { additionsSchema, controlSchema } from '../additions/schema.ts';
import { frameOf } from './canvas.ts';
import { areaOf, type ListedEdit } from './listedEdit.ts';
import { type Packed, packed, unpacked } from './packed.ts';
import type { Painted } from './painted.ts';
import { changedLayers, type Layer, overlays, type PictureModel, type Step } from './pictureModel.ts';

const VERSION = 2;
/** Edits and steps that are read back at most. */
const MOST = 10_000;

export interface Backup {
  version: typeof VERSION;
  /** The file's bytes that the edits were made on. */
  file: Uint8Array;
  /** Digest of the file as it was on the disk. */
  disk: string;
  /** The parts of the layers that differ from the file. */
  parts: (Packed & { layer: Layer })[];
  edits: readonly ListedEdit<Painted>[];
  /** Steps since the file was saved, the first below. */
  steps: readonly Step<Painted>[];
}

const side = z
  .number()
  .int()
  .min(0)
  .max(1 << 16);
const area = { left: side, top: side, width: side, height: side };
/** An area in the file's pixels: edits may be beyond its edges. */
const place = z
  .number()
  .int()
  .min(-(1 << 16))
  .max(1 << 16);
const added = z.number().int().min(0).max(LIMITS.extension.max);
const extension = z.object({ left: added, top: added, right: added, bottom: added });
const bytes = z.instanceof(Uint8Array<ArrayBuffer>);
const packedSchema = z.object({ ...area, deflated: bytes });
const placedSchema = packedSchema.extend({ left: place, top: place });
const layer = z.enum(['pixels', 'mask', 'objects', 'control', 'colours']);
const text = z.string().max(100_000);
const amount = z.number().min(0);
const aboutSchema = z.object({
  // The recipe is only written back into the file that it came from.
  recipe: z.looseObject({ prompt: text, seed: amount }),
  cost: z.object({
    prompt: text,
    seed: amount,
    steps: amount,
    macs: amount,
    denseMacs: amount,
    recordingMacs: amount,
    recordedSteps: amount,
    recordSeconds: amount,
    seconds: amount,
    loadSeconds: amount,
    activeFraction: z.array(amount).max(64),
    means: text.optional(),
    dense: z.object({ seconds: amount, measured: z.boolean() }).optional(),
    computed: z.array(z.object({ ...area, cell: side, positions: bytes })).max(64),
  }),
  draft: z.object({
    way: z.enum(EDIT_WAYS).default('mask'),
    extension: extension.default(NO_EXTENSION),
    prompt: text,
    negativePrompt: text,
    steps: text,
    seed: text,
    strength: amount,
    seedLocked: z.boolean(),
    variations: amount,
    precision: z.enum(['', ...PRECISIONS]),
    additions: additionsSchema.default(NO_ADDITIONS),
    control: controlSchema.default(NO_CONTROL),
    budget: amount.default(0),
    zoom: z.boolean().default(false),
  }),
});
const paint = z.object({
  kind: z.literal('paint'),
  from: placedSchema,
  to: placedSchema,
  extension: extension.optional(),
});
const variation = z.string().max(200);
const editSchema = z.object({
  id: z.string().max(200),
  label: text,
  shown: z.boolean(),
  opacity: z.number().min(0).max(1).optional(),
  content: z.discriminatedUnion('kind', [
    paint,
    z.object({ kind: z.literal('restore'), coverage: packedSchema }),
    z.object({ kind: z.literal('crop'), area: z.object({ ...area, left: place, top: place }) }),
  ]),
  mask: placedSchema.optional(),
  objects: placedSchema.optional(),
  colours: placedSchema.optional(),
  about: aboutSchema.optional(),
  variation: variation.optional(),
  others: z
    .array(z.object({ id: variation, content: paint, about: aboutSchema.optional() }))
    .max(MOST_VARIATIONS - 1)
    .optional(),
});
const edits = z.array(editSchema).max(MOST);
const backupSchema = z.object({
  version: z.literal(VERSION),
  file: bytes,
  disk: z.string().max(200),
  parts: z.array(packedSchema.extend({ layer })).max(layer.options.length),
  edits,
  steps: z
    .array(
      z.object({
        label: text,
        changes: z.array(z.object({ layer, ...area, before: bytes, after: bytes })).max(8),
        edits: z.object({ before: edits, after: edits }).optional(),
      }),
    )
    .max(MOST),
});

/** @param layers that are kept; all if absent */
export async function backupOf({
  model,
  layers = ['pixels', ...overlays()],
  ...more
}: Pick<Backup, 'file' | 'disk' | 'steps'> & {
  model: PictureModel<Painted>;
  layers?: readonly Layer[];
}): Promise<Uint8Array> {
  const parts: Backup['parts'] = [];
  for (const [layer, area] of changedLayers(model))
    if (area && layers.includes(layer)) parts.push({ layer, ...(await packed(cut(model[layer], area))) });
  return serialize({ version: VERSION, parts, edits: model.edits, ...more } satisfies Backup);
}

/** @throws Error if the bytes are not such a backup. */
export function readBackup(from: Uint8Array): Backup {
  let read: unknown;
  try {
    read = deserialize(from);
  } catch {
    // Truncated or something else: reported below.
  }
  const backup = backupSchema.safeParse(read);
  if (!backup.success) throw damaged();
  return backup.data as Backup;
}

/**
 * Restores the state of a backup in a model of its file. @throws Error if a part is damaged; the model is unchanged
 * then
 */
export async function restoreParts(
  model: PictureModel<Painted>,
  { parts, edits, steps }: Backup,
): Promise<void> {
  const { original } = model;
  const most = Math.max(original.width, original.height, LIMITS.size.max);
  const read = async (
    part: Packed,
    channels: number,
    isThere = part.width <= most && part.height <= most,
  ) => {
    if (!isThere) throw damaged();
    try {
      return await unpacked(part, channels);
    } catch (error) {
      throw damaged(error);
    }
  };
  let canvas = frameOf(edits, original);
  const patches: { layer: Layer; patch: Patch }[] = [];
  for (const { layer, ...part } of parts)
    patches.push({ layer, patch: await read(part, model[layer].channels, fits(part, canvas)) });
  // Everything is read at once, so that a later undo cannot fail half-way.
  for (const edit of edits) {
    for (const content of contentsOf(edit))
      if (content.kind === 'restore') await read(content.coverage, 1, fits(content.coverage, original));
      else if (content.kind === 'paint') for (const part of [content.from, content.to]) await read(part, 3);
    if (edit.mask) await read(edit.mask, 1);
    if (edit.objects) await read(edit.objects, 1);
    if (edit.colours) await read(edit.colours, 4);
  }
  for (const { changes, edits: listed } of [...steps].reverse()) {
    if (listed) canvas = frameOf(listed.before, original);
    for (const content of [...(listed?.before ?? []), ...(listed?.after ?? [])].flatMap(contentsOf))
      if (Math.max(areaOf(content).width, areaOf(content).height) > most) throw damaged();
    for (const { layer, before, after, ...area } of changes)
      for (const deflated of [before, after])
        await read({ ...area, deflated }, model[layer].channels, fits(area, canvas));
  }
  await model.adopt(edits);
  for (const { layer, patch } of patches) paste(model[layer], patch);
}

/** What an edit is, and what it can be. */
function contentsOf({ content, others = [] }: ListedEdit): ListedEdit['content'][] {
  return [content, ...others.map((other) => other.content)];
}

function damaged(cause?: unknown): Error {
  return new Error(
    'The unsaved edits of an image could not be restored: their backup is damaged or from another version of Patchwork.',
    { cause },
  );
}
