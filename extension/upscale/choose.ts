import { type QuickPickItem, QuickPickItemKind, window } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { openUpscaler } from '../../engine/models/upscaler.ts';
import { PICTURE_LIMITS } from '../../engine/pictures/open.ts';
import { LIMITS } from '../../shared/limits.ts';
import { chooseModel } from '../models/chooseFile.ts';

const SOURCE = 'https://openmodeldb.info';

/** An upscaler, a factor, and how strongly the larger image is repainted, if it is. */
export interface Upscaling {
  model: string;
  scale: number;
  detail?: { strength: number; prompt: string };
}

/** Strength of a repaint that adds detail and keeps what is there. */
const DETAIL = 0.3;

/**
 * Lets the user choose; undefined if they do not.
 * @param prompt a description of the image, if known
 * @throws InputError for a file that is not an upscaler
 */
export async function chooseUpscaling(
  size: { width: number; height: number },
  prompt = '',
): Promise<Upscaling | undefined> {
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
  const pixels = (scale: number) => `${scale * size.width} × ${scale * size.height} pixels`;
  const plain = scales.map((scale): Choice => {
    const whose = scale === own ? `, the scale of ${upscaler.name}` : '';
    return { label: `${scale} ×`, description: pixels(scale) + whose, scale };
  });
  const detailed = scales.map(
    (scale): Choice => ({
      label: `${scale} × and Add Detail`,
      description: pixels(scale),
      scale,
      adds: true,
    }),
  );
  const separator = { label: 'Then repaint lightly, in tiles', kind: QuickPickItemKind.Separator, scale: 0 };
  const chosen = await window.showQuickPick<Choice>([...plain, separator, ...detailed], {
    title: 'Upscale Image',
    placeHolder: 'How many times larger?',
    ignoreFocusOut: true,
  });
  if (!chosen) return undefined;
  const { scale } = chosen;
  if (!chosen.adds) return { model, scale };
  const shown = await window.showInputBox({
    title: 'Add Detail',
    prompt: 'What does the image show? It guides the repaint.',
    value: prompt,
    ignoreFocusOut: true,
  });
  return shown === undefined
    ? undefined
    : { model, scale, detail: { strength: DETAIL, prompt: shown.trim() } };
}

type Choice = QuickPickItem & { scale: number; adds?: boolean };

function fits(scale: number, { width, height }: { width: number; height: number }): boolean {
  const { side, pixels } = PICTURE_LIMITS;
  return scale * Math.max(width, height) <= side && scale ** 2 * width * height <= pixels;
}
