import type { DiffusionModel } from '../../engine/models/diffusion-model.ts';
import { fullProcess } from '../../engine/pipelines/budget/budgeted.ts';
import { planBudget } from '../../engine/pipelines/budget/plan-budget.ts';
import { isSteered } from '../../engine/pipelines/budget/spending.ts';
import { schedulerNameOf } from '../../engine/schedulers/create.ts';
import { readKnownWords } from '../../engine/text/known-words.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import { defined } from '../../shared/defined.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { stylesFor, withStyle } from '../../shared/styles.ts';
import type { Draft, FormFacts } from '../../shared/viewProtocol.ts';
import { modelsHere } from '../models/fetch.ts';
import { type AskedModel, openAsked } from '../openAsked.ts';
import type { Pace } from '../queue/pace.ts';
import { stylesNow, withSettings } from '../requests.ts';
import { requestOf } from './draft.ts';

/** A form's choices, and the defaults of its empty fields; undefined if its model or a setting cannot be used. */
export async function factsFor(draft: Draft, pace: Pace): Promise<FormFacts | undefined> {
  try {
    const settings = withSettings({ prompt: '' });
    const name = draft.model || settings.model;
    const [model, models] = await Promise.all([
      openAsked({ ...settings, model: name }),
      choices(settings.model),
    ]);
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
      styles: stylesFor(words, stylesNow()),
      ...(words && { words }),
      ...costOf(draft, model, pace),
    };
  } catch {
    // Errors are reported when an image is requested.
    return undefined;
  }
}

/** All words that a request's model knows; undefined for models of common language. */
export async function wordsOf(asked: AskedModel): Promise<string[] | undefined> {
  try {
    const opened = await openAsked(asked);
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

/** The cost of an image of the form, and its time if it can be told. */
function costOf(draft: Draft, model: DiffusionModel, pace: Pace): Pick<FormFacts, 'cost' | 'seconds'> {
  try {
    const request = withSettings(requestOf({ ...draft, prompt: draft.prompt || 'x' }, stylesNow()));
    const { macs, means, ...timed } = costOfRequest(request, model, pace);
    const seconds = timed.seconds ?? firstSeconds(request, macs, pace);
    return { cost: { macs, means }, ...(seconds !== undefined && { seconds }) };
  } catch {
    return {};
  }
}

/** Multiply–accumulates of a request's image, how they are spent, and seconds if similar images were generated here. */
function costOfRequest(request: AskedRequest, model: DiffusionModel, pace: Pace) {
  const { budget = 1, workers = 0, bus } = request;
  const settings = {
    ...model.defaults,
    scheduler: schedulerNameOf(model.schedulerConfig),
    ...defined(withStyle(request)),
  };
  const shared = workers > 1 || bus !== undefined;
  const process = fullProcess(model, settings, { shared, steered: isSteered(request) });
  const { macs, means } = planBudget(budget, process);
  const like = pace.like(request);
  // The full process is what was timed.
  const { steps, restMacs } = process;
  const share = (macs - restMacs) / (planBudget(1, process).macs - restMacs);
  const seconds = like && share * steps * like.stepSeconds + like.otherSeconds;
  return { macs, means, seconds };
}

/** Seconds of the first image, of the small built-in model only: how fast large ones are is not known. */
function firstSeconds({ model }: AskedRequest, macs: number, { firstSpeed }: Pace): number | undefined {
  return firstSpeed && (model ?? 'scenes') === 'scenes' ? macs / firstSpeed : undefined;
}

/** Multiply–accumulates in a second of small networks on two cores, until an image was timed on this machine. */
const USUAL_SPEED = 15e9;

/** About how many seconds a request's image takes. @throws InputError if its model cannot be used */
export async function expectedSeconds(request: AskedRequest, pace: Pace): Promise<number> {
  const { macs, seconds } = costOfRequest(request, await openAsked(request), pace);
  return seconds ?? macs / (pace.firstSpeed ?? USUAL_SPEED);
}
