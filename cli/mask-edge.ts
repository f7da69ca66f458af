/** Options that move or fade the edge of an edit's mask, as the image editor's buttons do. */
import { type Command, Option } from 'commander';
import { InputError } from '../engine/errors.ts';
import type { MaskEdge } from '../engine/pictures/mask-edge.ts';
import { LIMITS } from '../shared/limits.ts';
import { wholeNumber } from './options.ts';

export function withEdgeOptions(command: Command): Command {
  const { min, max } = LIMITS.maskEdge;
  const pixels = (flags: string, about: string, least: number = min) =>
    new Option(flags, about).argParser(wholeNumber(least, max));
  return command
    .addOption(
      pixels(
        '--grow <n>',
        'add this many pixels around the mask (default: 0; around an --object that is repainted 8 to 21, by the size of the image, so that nothing of its outline stays)',
        0,
      ),
    )
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
  { grow, shrink, feather, softMask }: MaskEdge,
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
