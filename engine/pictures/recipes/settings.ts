import { ATTENTIONS, type LoraChoice, PRECISIONS, type Recipe } from '../../../shared/api.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { plainText } from '../../../shared/plainText.ts';
import { DECODERS } from '../../../shared/requestFields.ts';
import { readStepPlan } from '../../../shared/stepPlan.ts';
import type { ReadRecipe } from './json.ts';
import { isKnownSchedule, samplerNamed, samplerOf } from './samplers.ts';

/** The readable part of an untrusted recipe. Values are well-formed, but may be out of the engine's bounds. */
export type ParsedRecipe = Partial<Recipe> &
  Pick<Recipe, 'prompt' | 'negativePrompt'> & {
    /** Sentences for the user about what was not taken over. */
    notes?: string[];
  };

/** What a reader of another tool's recipes found, with its settings checked. */
export function checked(found: ReadRecipe | undefined): ParsedRecipe | undefined {
  if (!found) return undefined;
  const { prompt, negativePrompt, settings } = found;
  return withSettings({ prompt, negativePrompt }, settings);
}

/** Settings that are read, or that do not affect the image. */
const READ = ['Steps', 'Sampler', 'Schedule type', 'CFG scale', 'Seed', 'Size', 'Model', 'Precision'];
const OURS = ['Attention', 'Budget', 'Step plan', 'Decoder', 'Loras', 'Clip skip', 'Denoising strength'];
/** Its words are in the prompts. */
const STYLE = 'Style preset';
const IDLE =
  /hash|^(?:Version|User|App|Date|Created Date|Civitai.*|Eta.*|RNG|Module.*|Parser|Backend|Operations)$/i;

export function withSettings(
  words: Pick<Recipe, 'prompt' | 'negativePrompt'>,
  settings: ReadonlyMap<string, string>,
): ParsedRecipe {
  if (settings.size === 0) return words;
  const [width, height] = (settings.get('Size') ?? '').split('x').map(wholeNumber);
  const recipe = {
    ...words,
    steps: within(LIMITS.steps, wholeNumber(settings.get('Steps'))),
    ...samplerOf(settings),
    guidance: within(LIMITS.guidance, decimal(settings.get('CFG scale'))),
    seed: seedOf(settings.get('Seed')),
    ...(width !== undefined && height !== undefined ? { width, height } : {}),
    model: settings.get('Model'),
    precision: oneOf(PRECISIONS, settings.get('Precision')),
    attention: oneOf(ATTENTIONS, settings.get('Attention')),
    budget: budgetOf(settings.get('Budget')),
    stepPlan: stepPlanOf(settings.get('Step plan')),
    strength: within(LIMITS.strength, decimal(settings.get('Denoising strength'))),
    decoder: oneOf(DECODERS, settings.get('Decoder')),
    loras: parseLoras(settings.get('Loras')),
    clipSkip: within(LIMITS.clipSkip, wholeNumber(settings.get('Clip skip'))),
  };
  const missing: Record<string, unknown> = {
    Steps: recipe.steps,
    Sampler: recipe.scheduler,
    'CFG scale': recipe.guidance,
    // A random seed cannot be taken over.
    Seed: recipe.seed ?? (settings.get('Seed') === '-1' || undefined),
    Size: width !== undefined && height !== undefined ? true : undefined,
    'Denoising strength': recipe.strength,
    'Clip skip': recipe.clipSkip,
    'Schedule type': isKnownSchedule(settings.get('Schedule type'), recipe) || undefined,
  };
  const lost = [...settings].filter(([key]) =>
    Object.hasOwn(missing, key)
      ? missing[key] === undefined
      : ![...READ, ...OURS, STYLE].includes(key) && !IDLE.test(key),
  );
  const notes = [
    ...(lost.length > 0 ? [noteOf(lost)] : []),
    ...seedNotes(settings.get('Seed'), recipe.seed),
    ...planNotes(settings.get('Step plan'), recipe.stepPlan),
  ];
  return withoutGaps({ ...recipe, ...(notes.length > 0 && { notes }) });
}

/** Letters and timesteps of a step plan. */
const MAX_STEP_PLAN = 3000;

/** Letters of a plan that is not known, in a sentence. */
const MOST_LETTERS = 40;

function stepPlanOf(text: string | undefined): string | undefined {
  const plan = text?.slice(0, MAX_STEP_PLAN);
  return plan !== undefined && readStepPlan(plan) ? plan : undefined;
}

/** A sentence about a plan of a later version. */
function planNotes(written: string | undefined, taken: string | undefined): string[] {
  if (written === undefined || taken !== undefined) return [];
  const plan = plainText(written, MOST_LETTERS);
  return [`The step plan ${plan} is not known to this version, so the image may come out differently.`];
}

/** A sentence about a seed that could be taken only in part. */
function seedNotes(written: string | undefined, taken: number | undefined): string[] {
  if (taken === undefined || String(taken) === written?.replace(/^0+(?=\d)/, '')) return [];
  return [`The seed ${written} is beyond what seeds can be here; its last 53 bits, ${taken}, are used.`];
}

const MOST_NAMED = 8;

function noteOf(lost: readonly (readonly [string, string])[]): string {
  const named = lost.slice(0, MOST_NAMED).map(([key, value]) => {
    const short = value.length > 40 ? `${value.slice(0, 40)}…` : value;
    return `${key}: ${short}`;
  });
  const more = lost.length > MOST_NAMED ? `, and ${lost.length - MOST_NAMED} more` : '';
  return `Of the image's recipe this could not be taken over: ${named.join('; ')}${more}.`;
}

/** A number that a request may hold. */
function within({ min, max }: { min: number; max: number }, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function budgetOf(text: string | undefined): Recipe['budget'] {
  const form = /^(\d(?:\.\d{1,6})?) of (\d{1,3}) steps(?: of (.{1,40}))?$/;
  const [, share, steps, label] = form.exec(text ?? '') ?? [];
  const scheduler = label === undefined ? undefined : samplerNamed(label);
  if (!share || (label !== undefined && !scheduler)) return undefined;
  return { share: Number(share), steps: Number(steps), ...(scheduler && { scheduler }) };
}

function oneOf<Name extends string>(known: readonly Name[], text: string | undefined): Name | undefined {
  return known.find((name) => name === text);
}

function parseLoras(text: string | undefined): LoraChoice[] | undefined {
  const loras = (text ?? '').split(';').flatMap((pair) => {
    const [, lora, strength] = /^\s*(.+?):\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*$/.exec(pair) ?? [];
    return lora ? [{ lora, strength: Number(strength) }] : [];
  });
  return loras.length > 0 ? loras : undefined;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The last 53 bits of a seed of up to 64. */
function seedOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return Number(BigInt.asUintN(53, BigInt(text)));
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}(\.\d{1,20})?$/.test(text) ? Number(text) : undefined;
}

/** Removes undefined fields. */
function withoutGaps(recipe: ParsedRecipe): ParsedRecipe {
  return Object.fromEntries(
    Object.entries(recipe).filter(([, value]) => value !== undefined),
  ) as ParsedRecipe;
}
