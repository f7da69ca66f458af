import { openCheckpoint } from '../../engine/models/open.ts';
import { schedulerNameOf } from '../../engine/schedulers/create.ts';
import { readKnownWords } from '../../engine/text/known-words.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import type { Draft, FormFacts } from '../../shared/viewProtocol.ts';
import { modelsHere } from '../models/fetch.ts';
import type { Pace } from '../queue/pace.ts';
import { withSettings } from '../requests.ts';
import { requestOf } from './draft.ts';

/** What a form offers, and what its empty fields stand for; undefined if its model or a setting cannot be used. */
export async function factsFor(draft: Draft, pace: Pace): Promise<FormFacts | undefined> {
  try {
    const settings = withSettings({ prompt: '' });
    const name = draft.model || settings.model;
    const [model, models] = await Promise.all([openCheckpoint(name), choices(settings.model)]);
    const { defaults } = model;
    const words = await readKnownWords((await model.tokenizer(model.textRoles[0]!)).folder);
    return {
      models,
      defaults: {
        width: settings.width ?? defaults.width,
        height: settings.height ?? defaults.height,
        steps: settings.steps ?? defaults.steps,
        guidance: settings.guidance ?? defaults.guidance,
        scheduler: settings.scheduler ?? schedulerNameOf(model.schedulerConfig),
      },
      sizes: model.sizes,
      readsImages: model.readsImages,
      ...(words && { words }),
      ...secondsOf(draft, pace),
    };
  } catch {
    // Errors are reported when an image is requested.
    return undefined;
  }
}

/** All words that a request's model knows; undefined for models of common language. */
export async function wordsOf({ model }: Pick<AskedRequest, 'model'>): Promise<string[] | undefined> {
  try {
    const opened = await openCheckpoint(model);
    return await readKnownWords((await opened.tokenizer(opened.textRoles[0]!)).folder);
  } catch {
    return undefined;
  }
}

async function choices(setting: string | undefined): Promise<FormFacts['models']> {
  const installed = await modelsHere();
  const ids = installed.filter(({ purpose }) => purpose === 'pictures').map(({ id }) => id);
  return [
    { id: '', title: `${modelTitle(setting ?? '')} (default)` },
    ...ids.map((id) => ({ id, title: modelTitle(id) })),
  ];
}

function secondsOf(draft: Draft, pace: Pace): Pick<FormFacts, 'seconds'> {
  try {
    const seconds = pace.seconds(withSettings(requestOf({ ...draft, prompt: draft.prompt || 'x' })));
    return seconds === undefined ? {} : { seconds };
  } catch {
    return {};
  }
}
