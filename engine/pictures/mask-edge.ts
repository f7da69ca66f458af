/** Changes of the edge of an edit's mask, as the image editor's buttons make them. */
import type { EditRequest } from '../../shared/api.ts';
import { objectMargin } from '../../shared/margins.ts';
import { feathered, grown, shrunk } from '../../shared/morphology.ts';
import { type Patch, paste, type Raster } from '../../shared/raster.ts';
import { maskFor, rasterOfMask, readMask } from './mask.ts';
import { decodePicture } from './read.ts';

/** In pixels. */
export interface MaskEdge {
  grow?: number | undefined;
  shrink?: number | undefined;
  feather?: number | undefined;
  softMask?: boolean | undefined;
}

/** The mask of an edit with the edge that is asked for, and warnings about how it was read. */
export async function maskWithEdge(
  mask: Uint8Array,
  image: Uint8Array,
  { grow, shrink, feather, softMask }: MaskEdge,
): Promise<Pick<EditRequest, 'mask' | 'softMask'> & { warnings: string[] }> {
  if (!grow && shrink === undefined && feather === undefined) return { mask, softMask, warnings: [] };
  const picture = await decodePicture(image, 'The image');
  const { width, height } = picture;
  const { data, warnings } = softMask ? await greysOf(mask, picture) : await whiteOf(mask, picture);
  const raster: Raster = { width, height, channels: 1, data };
  const change = (patch: Patch | undefined) => patch && paste(raster, patch);
  if (grow) change(grown(raster, grow));
  if (shrink !== undefined) change(shrunk(raster, shrink));
  if (feather !== undefined) change(feathered(raster, feather));
  return { mask: raster, softMask: softMask || feather !== undefined, warnings };
}

/**
 * The edge of an object's mask: of one that is repainted with a prompt it has the object's margin, if no other is asked
 * for.
 */
export function edgeOfObject(
  { grow, shrink, feather, softMask, remove }: MaskEdge & { remove?: boolean | undefined },
  object: Size,
): MaskEdge {
  const isGiven = grow !== undefined || shrink !== undefined || remove;
  return { grow: isGiven ? grow : objectMargin(object), shrink, feather, softMask };
}

/** What an object's mask was, for the recipe: `object 1, a red house, grown by 8`. */
export function wordsForMask(number: number, name: string, { grow, shrink, feather }: MaskEdge): string {
  const changes = Object.entries({ grown: grow, shrunk: shrink, feathered: feather });
  const made = changes.filter(([, by]) => by).map(([how, by]) => `${how} by ${by}`);
  return [`object ${number}`, name, ...made].join(', ');
}

type Size = Pick<Raster, 'width' | 'height'>;

async function greysOf(mask: Uint8Array, size: Size) {
  const { coverage, warnings } = await readMask(mask, 'The mask', size);
  return { data: coverage, warnings };
}

async function whiteOf(mask: Uint8Array, size: Size) {
  const { mask: read, warnings } = maskFor(await decodePicture(mask, 'The mask'), size, 'The mask');
  return { data: rasterOfMask(read).data, warnings };
}
