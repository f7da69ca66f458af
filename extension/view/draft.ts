/** The contents of the view's form, and the requests made from them. */
import { InputError } from '../../engine/errors.ts';
import type { ParsedRecipe } from '../../engine/pictures/recipes/settings.ts';
import {
  type AskedRequest,
  additionsOf,
  hindranceOfAdditions,
  requestOfAdditions,
} from '../../shared/additions.ts';
import {
  type GenerateRequest,
  type LoraChoice,
  PRECISIONS,
  SCHEDULERS,
  SIGMA_SPACINGS,
} from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseSeed, SEED_RULE } from '../../shared/seed.ts';
import { isSide, parseSize, sizesInWords } from '../../shared/sizes.ts';
import { STYLES, type Style, styleNamed } from '../../shared/styles.ts';
import { type Draft, EMPTY_DRAFT } from '../../shared/viewProtocol.ts';
import { readAdditions } from '../additions/schema.ts';

/** Images that one click asks for at most. */
const MOST_IMAGES = 16;

/** The request of a form, without its empty fields. @param styles that a form can name @throws InputError naming the field and what it may be */
export function requestOf(draft: Draft, styles: readonly Style[] = STYLES): AskedRequest {
  const { prompt, negativePrompt, seed: typedSeed, model } = draft;
  const seed = parseSeed(typedSeed);
  if (!prompt.trim()) throw new InputError('Enter a prompt first.');
  // Only the engine knows whether the model needs an IP-Adapter.
  const hindrance = hindranceOfAdditions(draft.additions, true);
  if (hindrance) throw new InputError(hindrance);
  if (seed === null) throw new InputError(`${SEED_RULE}, not “${typedSeed}”.`);
  return {
    prompt: prompt.trim(),
    negativePrompt: negativePrompt.trim(),
    ...given('style', styleOf(draft.style, styles)),
    ...(seed !== undefined && { seed }),
    ...sizeOf(draft.size),
    ...given('steps', numberOf('Steps', draft.steps, LIMITS.steps, true)),
    ...given('guidance', numberOf('Guidance', draft.guidance, LIMITS.guidance, false)),
    ...given('scheduler', oneOf('Sampler', draft.scheduler, SCHEDULERS)),
    ...given('sigmas', oneOf('Sigmas', draft.sigmas, SIGMA_SPACINGS)),
    ...given('clipSkip', numberOf('Clip skip', draft.clipSkip, LIMITS.clipSkip, true)),
    ...given('precision', oneOf('Precision', draft.precision, PRECISIONS)),
    ...given('budget', numberOf('Compute budget', draft.budget, LIMITS.budget, false)),
    ...(model.trim() && { model: model.trim() }),
    ...requestOfAdditions(draft.additions),
  };
}

/** How many images a form asks for. @throws InputError */
export function countOf({ count }: Pick<Draft, 'count'>): number {
  return numberOf('Images', count, { min: 1, max: MOST_IMAGES }, true) ?? 1;
}

/** The form that makes a request again; empty fields stay empty. */
export function draftOf(request: AskedRequest): Draft {
  const { width, height } = request;
  return {
    ...EMPTY_DRAFT,
    prompt: request.prompt,
    negativePrompt: request.negativePrompt ?? '',
    seed: typed(request.seed),
    size: width && height ? `${width}x${height}` : '',
    steps: typed(request.steps),
    guidance: typed(request.guidance),
    scheduler: request.scheduler ?? '',
    sigmas: request.sigmas ?? '',
    clipSkip: typed(request.clipSkip),
    model: request.model ?? '',
    precision: request.precision ?? '',
    additions: additionsOf(request),
    budget: typed(request.budget),
    style: request.style?.name ?? '',
  };
}

/**
 * The form that makes the same image again, seed and all. LoRA files of a recipe have names only, not paths on this
 * machine: the prompt names them.
 * @param model as requests name it
 * @param given LoRA files that are given with their paths
 */
export function draftOfRecipe(recipe: ParsedRecipe, model = '', given: readonly LoraChoice[] = []): Draft {
  const { budget, loras = [], ...asked } = recipe;
  const full = budget && {
    budget: budget.share,
    steps: budget.steps,
    ...(budget.scheduler && { scheduler: budget.scheduler }),
  };
  const known = given.map(({ lora }) => nameOf(lora));
  const named = loras.filter(({ lora }) => isNameable(lora) && !known.includes(nameOf(lora)));
  const tags = named.map(({ lora, strength }) => `<lora:${nameOf(lora)}:${strength}>`);
  const prompt = [recipe.prompt, ...tags.filter((tag) => !recipe.prompt.includes(tag))].join(' ');
  // The words of its style are in its prompts.
  return { ...draftOf({ ...asked, prompt, model: undefined, style: undefined, ...full }), model };
}

/** What of a recipe that was read has no place in the form, in sentences for the user. */
export function lostFromForm({ strength, loras = [] }: ParsedRecipe): string[] {
  const odd = loras.map(({ lora }) => lora).filter((lora) => !isNameable(lora));
  return [
    ...(strength === undefined
      ? []
      : [`It was made from another image, with strength ${strength}, which the form does not have.`]),
    ...(odd.length > 0 ? [`A prompt cannot name these LoRA files: ${odd.join(', ')}.`] : []),
  ];
}

/** A LoRA file's name without its folder and ending. */
function nameOf(lora: string): string {
  return lora.replace(/^.*[/\\]/, '').replace(/\.(?:safetensors|ckpt|pt|bin)$/i, '');
}

/** Whether a tag of a prompt can hold the name of a LoRA. */
function isNameable(lora: string): boolean {
  return /^[^<>:]{1,300}$/.test(nameOf(lora));
}

/** The validated state that a page kept. */
export function readDraft(value: unknown): Draft {
  const fields = Object.entries(EMPTY_DRAFT).map(([name, empty]) => {
    const kept = (value as Record<string, unknown> | undefined)?.[name];
    if (name === 'additions') return [name, readAdditions(kept)];
    return [name, typeof kept === 'string' ? kept : empty];
  });
  return Object.fromEntries(fields) as Draft;
}

function sizeOf(size: string): Pick<GenerateRequest, 'width' | 'height'> {
  if (!size.trim()) return {};
  const read = parseSize(size);
  if (!read || !isSide(read.width) || !isSide(read.height))
    throw new InputError(`Size: enter width and height like 512x768, ${sizesInWords()}, not “${size}”.`);
  return read;
}

function numberOf(
  field: string,
  text: string,
  { min, max }: { min: number; max: number },
  whole: boolean,
): number | undefined {
  if (!text.trim()) return undefined;
  const number = Number(text);
  if (Number.isFinite(number) && number >= min && number <= max && (!whole || Number.isInteger(number)))
    return number;
  throw new InputError(
    `${field}: enter a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not “${text}”.`,
  );
}

function oneOf<const Name extends string>(
  field: string,
  text: string,
  names: readonly Name[],
): Name | undefined {
  if (!text) return undefined;
  const name = names.find((other) => other === text);
  if (!name) throw new InputError(`${field}: “${text}” is not known.`);
  return name;
}

function styleOf(name: string, styles: readonly Style[]): Style | undefined {
  if (!name) return undefined;
  const style = styleNamed(name, styles);
  if (!style) throw new InputError(`There is no style “${name}” any more: choose another one.`);
  return style;
}

function given<Name extends string, Value>(name: Name, value: Value | undefined) {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, Value>>;
}

function typed(number: number | undefined): string {
  return number === undefined ? '' : String(number);
}
