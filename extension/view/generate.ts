import { randomUUID } from 'node:crypto';
import { isAbort } from '../../engine/errors.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import { shorten } from '../../shared/names.ts';
import { seedsFrom } from '../../shared/seed.ts';
import { showInformation } from '../messages.ts';
import type { GenerateOptions } from '../queue/generator.ts';
import { reportError } from '../report.ts';
import { withSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import { reached } from '../walkthrough.ts';

/**
 * Makes images of one request, each with a seed of its own, and shows them in the view; errors are shown too. They
 * are finished even if the view is closed.
 * @param asked the request before the settings are added
 * @param filled the form asks for this already
 * @throws InputError if a setting is invalid
 */
export async function generateImages(
  services: Services,
  asked: AskedRequest,
  count = 1,
  { filled = false } = {},
): Promise<void> {
  const request = withSettings(asked);
  const batch = count > 1 ? randomUUID() : undefined;
  services.views.show().begin(asked, { filled, batch });
  const made = await Promise.all(
    seedsOf(request.seed, count).map((seed) => generateOne(services, { ...request, seed }, { asked, batch })),
  );
  const pictures = made.filter((picture) => picture !== undefined);
  if (pictures.length > 0 && !services.views.current?.visible) await announce(services, pictures);
}

/**
 * Starts a run again that the end of a window interrupted; nothing if it was started or dismissed already.
 * @throws InputError if a setting is invalid; the run can be started again later
 */
export async function startAgain(services: Services, id: string): Promise<void> {
  const run = services.runs.interrupted.find((other) => other.id === id);
  if (!run) return;
  withSettings(run.request);
  await services.runs.take(id);
  await generateImages(services, run.request);
}

async function generateOne(
  { generator, views, log }: Services,
  request: AskedRequest,
  about: Pick<GenerateOptions, 'asked' | 'batch'>,
): Promise<PictureInfo | undefined> {
  views.count(1);
  try {
    const id = randomUUID();
    const picture = await generator.generate(request, {
      id,
      ...about,
      onProgress: ({ preview }) => preview && views.current?.preview(id, preview.png),
    });
    reached('generated');
    await views.current?.finished(picture);
    return picture;
  } catch (error) {
    if (isAbort(error)) views.current?.cancelled();
    else if (views.current) views.current.fail(error, request);
    else void reportError(log, error);
    return undefined;
  } finally {
    views.count(-1);
  }
}

/** Announces images that finished while the view was closed. */
async function announce(services: Services, pictures: readonly PictureInfo[]): Promise<void> {
  const [first] = pictures;
  const prompt = shorten(first!.recipe.prompt, 60);
  const sentence =
    pictures.length === 1
      ? `The image “${prompt}” is finished.`
      : `${pictures.length} images of “${prompt}” are finished.`;
  const show = 'Show';
  if ((await showInformation(sentence, show)) === show) await services.views.show().show(first!);
}

/** The requested seed and those that follow it; random ones if none is given. */
function seedsOf(seed: number | undefined, count: number): (number | undefined)[] {
  return seed === undefined ? Array.from({ length: count }, () => undefined) : seedsFrom(seed, count);
}
