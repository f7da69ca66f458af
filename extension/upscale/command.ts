import { isAbort } from '../../engine/errors.ts';
import { shownPicture } from '../editor/provider.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { pickedPicture } from '../sight/picked.ts';
import { upscaleBeside } from './beside.ts';

/** *Upscale Image…*: makes an image file larger, as a new file beside it. */
export async function upscaleImage(services: Services, asked: unknown): Promise<void> {
  const file = await pickedPicture(asked, 'Upscale Image');
  if (!file) return;
  try {
    await upscaleBeside(services, file, await shownPicture(file));
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}
