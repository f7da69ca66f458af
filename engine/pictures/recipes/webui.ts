import type { ControlChoice, LoraChoice, Recipe } from '../../../shared/api.ts';
import { SIGMA_TITLES } from '../../../shared/api.ts';
import { isJsonList, jsonObject } from './json.ts';
import { parseSettings, quoteIfNeeded } from './pairs.ts';
import { SAMPLER_LABELS } from './samplers.ts';
import { checked, type ParsedRecipe, withSettings } from './settings.ts';
import { swarmRecipe } from './swarmui.ts';

/** Longer texts are not recipes. */
const MAX_CHARACTERS = 100_000;

const NEGATIVE = 'Negative prompt:';

/**
 * The recipe as Stable Diffusion WebUI writes it: the prompt, a line `Negative prompt: …`, a line of settings.
 * A prompt with a line that itself begins with "Negative prompt:" is ambiguous when it is read.
 */
export function formatRecipe(recipe: Recipe): string {
  const settings: [string, string | number][] = [
    ['Steps', recipe.steps],
    ['Sampler', SAMPLER_LABELS[recipe.scheduler]],
    ...(recipe.sigmas ? [['Schedule type', SIGMA_TITLES[recipe.sigmas]] as [string, string]] : []),
    ['CFG scale', recipe.guidance],
    ['Seed', recipe.seed],
    ['Size', `${recipe.width}x${recipe.height}`],
    ['Model', recipe.model],
    ['Precision', recipe.precision],
    ...(recipe.attention ? [['Attention', recipe.attention] as [string, string]] : []),
    ...(recipe.budget ? [['Budget', formatBudget(recipe.budget)] as [string, string]] : []),
    ...(recipe.stepPlan ? [['Step plan', recipe.stepPlan] as [string, string]] : []),
    ...(recipe.strength === undefined ? [] : [['Denoising strength', recipe.strength] as [string, number]]),
    ...(recipe.maskOf ? [['Mask of', recipe.maskOf] as [string, string]] : []),
    ...(recipe.decoder ? [['Decoder', recipe.decoder] as [string, string]] : []),
    ...(recipe.loras ? [['Loras', formatLoras(recipe.loras)] as [string, string]] : []),
    ...(recipe.clipSkip ? [['Clip skip', recipe.clipSkip] as [string, number]] : []),
    ...(recipe.referredTo ?? []).map(
      ({ model, strength }, i) => [`Reference ${i}`, `${model} ${strength}`] as [string, string],
    ),
    ...(recipe.regionPrompts ?? []).map((prompt, i) => [`Region ${i}`, prompt] as [string, string]),
    ...(recipe.steeredBy ?? []).map(
      (control, i) => [`Control ${i}`, formatControl(control)] as [string, string],
    ),
    ...(recipe.style ? [['Style preset', recipe.style] as [string, string]] : []),
    ['Version', 'Patchwork'],
  ];
  const lines = [recipe.prompt];
  if (recipe.negativePrompt !== '') lines.push(`${NEGATIVE} ${recipe.negativePrompt}`);
  lines.push(settings.map(([key, value]) => `${key}: ${quoteIfNeeded(String(value))}`).join(', '));
  return lines.join('\n');
}

/**
 * Reads the text of `formatRecipe`, of tools like it, and the JSON of SwarmUI and others. Missing fields are left
 * out; odd and unknown values too, with a note. Undefined for JSON that is not a recipe.
 */
export function parseRecipe(text: string): ParsedRecipe | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const plainText = text
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .trim();
  const json = jsonObject(plainText);
  if (json) return checked(swarmRecipe(json));
  if (isJsonList(plainText)) return undefined;
  const lines = plainText.split('\n');
  const negative = lines.findIndex((line) => line.startsWith(NEGATIVE));
  const begin = settingsLine(lines, Math.max(0, negative));
  const words = lines.slice(0, begin);
  const prompt = (negative < 0 ? words : words.slice(0, negative)).join('\n').trim();
  const negativePrompt = negative < 0 ? '' : words.slice(negative).join('\n').slice(NEGATIVE.length).trim();
  const settings = parseSettings(lines.slice(begin).join('\n'));
  // Words with colons and commas are no settings.
  return withSettings({ prompt, negativePrompt }, settings.has('Steps') ? settings : new Map());
}

/** Number of pairs from which on a line counts as settings. */
const FEW_SETTINGS = 3;

/**
 * Index of the line where the settings begin; other tools may write more lines after it. In our own recipes it is the
 * last line, otherwise the first that begins with steps. The number of lines if there are no settings.
 */
function settingsLine(lines: readonly string[], from: number): number {
  const last = lines.length - 1;
  const isOurs = /(?:^|, )Version: Patchwork$/.test(lines[last]!);
  const found = lines.findIndex(
    (line, i) => i >= from && /^\s*Steps:/.test(line) && parseSettings(line).size >= FEW_SETTINGS,
  );
  if (!isOurs && found >= 0) return found;
  return parseSettings(lines[last]!).has('Steps') ? last : lines.length;
}

function formatBudget({ share, steps, scheduler }: NonNullable<Recipe['budget']>): string {
  const sampler = scheduler ? ` of ${SAMPLER_LABELS[scheduler]}` : '';
  return `${share} of ${steps} steps${sampler}`;
}

/** A control image as text for people: a recipe does not hold the picture, so this cannot be read back. */
function formatControl({
  model,
  hint,
  strength = 1,
  start = 0,
  end = 1,
  guess,
}: Omit<ControlChoice, 'image'>): string {
  const range = start > 0 || end < 1 ? ` from ${start} to ${end}` : '';
  return `${model}${hint ? ` ${hint}` : ''} ${strength}${range}${guess ? ' guess' : ''}`;
}

/** `name: strength` pairs separated by semicolons. */
function formatLoras(loras: readonly LoraChoice[]): string {
  return loras.map(({ lora, strength }) => `${lora}: ${strength}`).join('; ');
}
