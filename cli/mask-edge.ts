/** Options that move or fade the edge of an edit's mask, as the image editor's buttons do. */
import { type Command, Option } from 'commander';
import { InputError } from '../engine/errors.ts';
import { maskFor, rasterOfMask, readMask } from '../engine/pictures/mask.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import type { EditRequest } from '../shared/api.ts';
import { LIMITS } from '../shared/limits.ts';
import { feathered, grown, shrunk } from '../shared/morphology.ts';
import { type Patch, paste, type Raster } from '../shared/raster.ts';
import { wholeNumber } from './options.ts';

export interface EdgeOptions {
  grow?: number;
  shrink?: number;
  feather?: number;
  softMask?: boolean;
}

export function withEdgeOptions(command: Command): Command {
  const { min, max } = LIMITS.maskEdge;
  const pixels = (flags: string, about: string) => new Option(flags, about).argParser(wholeNumber(min, max));
  return command
    .addOption(pixels('--grow <n>', 'add this many pixels around the mask'))
    .addOption(pixels('--shrink <n>', "take this many pixels off the mask's edge"))
    .addOption(
      pixels(
        '--feather <n>',
        "fade the mask's edge over this many pixels to either side; implies --soft-mask",
      ),
    )
    .option('--soft-mask', "the mask's greys blend the new with the old (default: it is cut at half grey)");
}

/** @throws InputError if the options do not fit each other, or there is no mask whose edge they could change */
export function checkEdge(
  { grow, shrink, feather, softMask }: EdgeOptions,
  { masked, remove }: { masked: boolean; remove: boolean },
): void {
  const asked = [grow, shrink, feather, softMask].some((option) => option !== undefined);
  if (asked && !masked)
    throw new InputError(
      '--grow, --shrink, --feather and --soft-mask need a mask: --mask FILE or --object NAME.',
    );
  if (grow !== undefined && shrink !== undefined) throw new InputError('Give --grow or --shrink, not both.');
  if (remove && (feather !== undefined || softMask))
    throw new InputError('A removal has no soft mask: leave out --feather and --soft-mask.');
}

/** The mask of an edit with the edge that is asked for, and warnings about how it was read. */
export async function maskWithEdge(
  mask: Uint8Array,
  image: Uint8Array,
  { grow, shrink, feather, softMask }: EdgeOptions,
): Promise<Pick<EditRequest, 'mask' | 'softMask'> & { warnings: string[] }> {
  if (grow === undefined && shrink === undefined && feather === undefined)
    return { mask, softMask, warnings: [] };
  const picture = await decodePicture(image, 'The image');
  const { width, height } = picture;
  const { data, warnings } = softMask ? await greysOf(mask, picture) : await whiteOf(mask, picture);
  const raster: Raster = { width, height, channels: 1, data };
  const change = (patch: Patch | undefined) => patch && paste(raster, patch);
  if (grow !== undefined) change(grown(raster, grow));
  if (shrink !== undefined) change(shrunk(raster, shrink));
  if (feather !== undefined) change(feathered(raster, feather));
  return { mask: raster, softMask: softMask || feather !== undefined, warnings };
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
