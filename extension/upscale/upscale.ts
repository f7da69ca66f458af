import { randomUUID } from 'node:crypto';
import { openPicture } from '../../engine/pictures/open.ts';
import { readRecipeOf } from '../../engine/pictures/read.ts';
import type { ImageInput, RepaintRequest, UpscaleProgress, UpscaleResult } from '../../shared/api.ts';
import { formatSeconds } from '../../shared/format.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import type { RunState } from '../../shared/jobs.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import type { JobOptions } from '../queue/engineQueue.ts';
import { withSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import { chooseUpscaling, type Upscaling } from './choose.ts';

/**
 * Makes an image larger with the user's choice of network and scale; undefined if they choose nothing.
 * @param title the image, for the queue
 */
export async function upscaled(
  { engine, queue, log }: Pick<Services, 'engine' | 'queue' | 'log'>,
  image: Uint8Array,
  title: string,
  run: (work: Work) => PromiseLike<UpscaleResult> = (work) => work(),
): Promise<UpscaleResult | undefined> {
  const recipe = await readRecipeOf(image, title).catch(() => undefined);
  const upscaling = await chooseUpscaling((await openPicture(image, title)).header, recipe?.prompt);
  if (!upscaling) return undefined;
  const { detail, ...enlarging } = upscaling;
  const repaint = detail && repaintOf(detail, recipe?.negativePrompt);
  const result = await run((signal, onRun) => {
    const id = randomUUID();
    const options: JobOptions<UpscaleProgress> = {
      id,
      title: `Upscale: ${title}`,
      signal,
      onProgress: () => {
        const job = queue.jobs.find((each) => each.id === id);
        if (job) onRun?.(job.run);
      },
    };
    return engine.upscale({ image, ...enlarging, ...(repaint && { repaint }) }, options);
  });
  const { width, height } = result.picture;
  log.info(
    `${title}: ${width}×${height} by ${modelTitle(upscaling.model)}, ${formatSeconds(result.seconds)}`,
  );
  return result;
}

/** A repaint with the user's settings. Its tiles have the model's own size, and it runs on this machine alone. */
function repaintOf(
  { strength, prompt }: NonNullable<Upscaling['detail']>,
  negative: string | undefined,
): RepaintRequest {
  const {
    width: _,
    height: __,
    workers: ___,
    bus: ____,
    ...request
  } = withSettings<ImageInput>({
    prompt,
    ...(negative && { negativePrompt: negative }),
  });
  return { ...request, strength };
}

/** Upscales, with progress. */
export type Work = (signal?: AbortSignal, onRun?: (run: RunState) => void) => Promise<UpscaleResult>;

/** Makes an image of the gallery larger: returns the new image. Undefined if nothing was chosen. */
export async function upscaleStored(
  services: Services,
  { id, batch: _batch, savedAs: _saved, created: _created, ...info }: PictureInfo,
): Promise<PictureInfo | undefined> {
  const image = await services.gallery.bytes(id);
  const result = await upscaled(services, image, info.recipe.prompt);
  if (!result) return undefined;
  const { picture, model, scale, macs, seconds } = result;
  const times = (info.upscaled?.scale ?? 1) * scale;
  const { width, height } = picture;
  const { request, asked, recipe } = info;
  return await services.gallery.add(
    request,
    { recipe, picture, macs, seconds, loadSeconds: 0, stepSeconds: [], warnings: [] },
    { ...(asked && { asked }), upscaled: { model, scale: times, width, height } },
  );
}

/** The outcome, for a notice. */
export function upscaledNotice(
  { width, height }: { width: number; height: number },
  seconds: number,
): string {
  return `Upscaled to ${width} × ${height} pixels in ${formatSeconds(seconds)}.`;
}
