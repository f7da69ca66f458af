import { InputError } from '../errors.ts';
import { openAdapter } from '../weights/lora.ts';
import { openTensors } from '../weights/tensor-file.ts';
import type { Purpose } from './catalogue.ts';
import { DiffusionModel } from './diffusion-model.ts';
import { otherKind } from './single-file/kind.ts';
import { isLanguageFile } from './single-file/language-model.ts';
import { nitroEIn } from './single-file/nitro-e.ts';
import { sectionsOf } from './single-file/sections.ts';

/**
 * What a file can be used as: a checkpoint, an autoencoder, a text encoder or a LoRA.
 * @throws InputError for a file that is none of these, or cannot be read
 */
export async function purposeOfFile(
  place: string,
): Promise<Purpose & ('pictures' | 'autoencoder' | 'text' | 'lora')> {
  const file = await openTensors(place);
  const sections = sectionsOf(file);
  if (sections.unet || nitroEIn(file)) {
    await DiffusionModel.open(place);
    return 'pictures';
  }
  if (sections.autoencoder) return 'autoencoder';
  if (sections.texts.length > 0 || isLanguageFile(file)) return 'text';
  const adapter = await openAdapter(place, 1).catch(() => undefined);
  if (adapter) return 'lora';
  throw new InputError(`${file.origin} is ${otherKind(file, sections)}.`);
}
