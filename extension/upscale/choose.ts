import { type QuickPickItem, window } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { openUpscaler } from '../../engine/models/upscaler.ts';
import { PICTURE_LIMITS } from '../../engine/pictures/open.ts';
import { LIMITS } from '../../shared/limits.ts';
import { chooseModel } from '../models/chooseFile.ts';

const SOURCE = 'https://openmodeldb.info';

/** An upscaler and a factor. */
export interface Upscaling {
  model: string;
  scale: number;
}

/** Lets the user choose; undefined if they do not. @throws InputError for a file that is no upscaler */
export async function chooseUpscaling(size: {
  width: number;
  height: number;
}): Promise<Upscaling | undefined> {
  const model = await chooseModel({
    purpose: 'upscaler',
    title: 'Upscale Image',
    what: 'an upscaler',
    source: SOURCE,
  });
  if (model === undefined) return undefined;
  const upscaler = await openUpscaler(model);
  const own = upscaler.scale;
  const scales = [...new Set([own, 2, 3, 4, 8])].filter(
    (scale) => fits(scale, size) && (scale === own || (own > 1 && scale <= LIMITS.upscale.max)),
  );
  if (scales.length === 0)
    throw new InputError(
      `The image is too large to be made larger: Patchwork works with ${PICTURE_LIMITS.pixels / 1e6} megapixels at most.`,
    );
  const chosen = await window.showQuickPick<QuickPickItem & { scale: number }>(
    scales.map((scale) => ({
      label: `${scale} ×`,
      description: `${scale * size.width} × ${scale * size.height} pixels${scale === own ? `, the scale of ${upscaler.name}` : ''}`,
      scale,
    })),
    { title: 'Upscale Image', placeHolder: 'How many times larger?' },
  );
  return chosen && { model, scale: chosen.scale };
}

function fits(scale: number, { width, height }: { width: number; height: number }): boolean {
  const { side, pixels } = PICTURE_LIMITS;
  return scale * Math.max(width, height) <= side && scale ** 2 * width * height <= pixels;
}
