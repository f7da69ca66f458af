import {
  ATTENTIONS,
  DECODERS,
  type LoraChoice,
  PRECISIONS,
  type Recipe,
  SCHEDULER_TITLES,
  type SchedulerName,
  WEBUI_NAMES,
} from '../../shared/api.ts';
import { readPngText, withPngText } from './png-text.ts';

/** The PNG keyword under which Stable Diffusion tools keep what a picture was made from. */
const KEYWORD = 'parameters';

/** Longer texts are not recipes, longer lines not settings. */
const MAX_CHARACTERS = 100_000;
const MAX_SETTINGS_CHARACTERS = 20_000;

const NEGATIVE = 'Negative prompt:';

/** Samplers by the names of Stable Diffusion WebUI. */
const SAMPLER_LABELS: Readonly<Record<SchedulerName, string>> = { ...SCHEDULER_TITLES, ...WEBUI_NAMES };

/** Names in lower case without spaces and dashes: the WebUI's, ComfyUI's and ours. */
const SAMPLERS_BY_LABEL: ReadonlyMap<string, SchedulerName> = new Map([
  ...Object.entries(SAMPLER_LABELS).map(([name, label]) => [plain(label), name as SchedulerName] as const),
  ...Object.keys(SAMPLER_LABELS).map((name) => [plain(name), name as SchedulerName] as const),
  ...Object.entries(SCHEDULER_TITLES).map(([name, title]) => [plain(title), name as SchedulerName] as const),
]);

/** What could be read of a recipe from anywhere; values are well-formed but may be out of the engine's bounds. */
export type ParsedRecipe = Partial<Recipe> & Pick<Recipe, 'prompt' | 'negativePrompt'>;

/** The PNG file with the recipe in its text. @throws InputError if it is no valid PNG. */
export function withRecipe(png: Uint8Array, recipe: Recipe): Uint8Array {
  return withPngText(png, KEYWORD, formatRecipe(recipe));
}

/** The recipe in a PNG file of ours or another Stable Diffusion tool. @throws InputError if it is no valid PNG. */
export function readRecipe(png: Uint8Array): ParsedRecipe | undefined {
  const text = readPngText(png, KEYWORD);
  return text === undefined ? undefined : parseRecipe(text);
}

/**
 * The recipe as Stable Diffusion WebUI writes it: the prompt, a line `Negative prompt: …`, a line of settings.
 * A prompt with a line that itself begins with "Negative prompt:" cannot be told apart when it is read.
 */
export function formatRecipe(recipe: Recipe): string {
  const settings: [string, string | number][] = [
    ['Steps', recipe.steps],
    ['Sampler', SAMPLER_LABELS[recipe.scheduler]],
    ['CFG scale', recipe.guidance],
    ['Seed', recipe.seed],
    ['Size', `${recipe.width}x${recipe.height}`],
    ['Model', recipe.model],
    ['Precision', recipe.precision],
    ...(recipe.attention ? [['Attention', recipe.attention] as [string, string]] : []),
    ...(recipe.strength === undefined ? [] : [['Denoising strength', recipe.strength] as [string, number]]),
    ...(recipe.decoder ? [['Decoder', recipe.decoder] as [string, string]] : []),
    ...(recipe.loras ? [['Loras', formatLoras(recipe.loras)] as [string, string]] : []),
    ['Version', 'Patchwork'],
  ];
  const lines = [recipe.prompt];
  if (recipe.negativePrompt !== '') lines.push(`${NEGATIVE} ${recipe.negativePrompt}`);
  lines.push(settings.map(([key, value]) => `${key}: ${quoteIfNeeded(String(value))}`).join(', '));
  return lines.join('\n');
}

/** Reads the text of `formatRecipe` and of tools like it; settings that are missing or odd are left out. */
export function parseRecipe(text: string): ParsedRecipe | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const lines = text.replaceAll('\r\n', '\n').trim().split('\n');
  const settings = parseSettings(lines[lines.length - 1]!);
  if (settings.has('Steps')) lines.pop();
  const split = lines.findIndex((line) => line.startsWith(NEGATIVE));
  const prompt = (split < 0 ? lines : lines.slice(0, split)).join('\n').trim();
  const negativePrompt = split < 0 ? '' : lines.slice(split).join('\n').slice(NEGATIVE.length).trim();
  if (!settings.has('Steps')) return { prompt, negativePrompt };

  const [width, height] = (settings.get('Size') ?? '').split('x').map(wholeNumber);
  return withoutGaps({
    prompt,
    negativePrompt,
    steps: wholeNumber(settings.get('Steps')),
    scheduler: samplerOf(settings),
    guidance: decimal(settings.get('CFG scale')),
    seed: wholeNumber(settings.get('Seed')),
    ...(width !== undefined && height !== undefined ? { width, height } : {}),
    model: settings.get('Model'),
    precision: oneOf(PRECISIONS, settings.get('Precision')),
    attention: oneOf(ATTENTIONS, settings.get('Attention')),
    strength: decimal(settings.get('Denoising strength')),
    decoder: oneOf(DECODERS, settings.get('Decoder')),
    loras: parseLoras(settings.get('Loras')),
  });
}

/** `key: value` pairs separated by commas; values with commas, colons or line breaks are JSON strings. */
function parseSettings(line: string): Map<string, string> {
  const settings = new Map<string, string>();
  if (line.length > MAX_SETTINGS_CHARACTERS) return settings;
  for (const [, key, value] of line.matchAll(
    /([A-Za-z][\w /-]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)/g,
  )) {
    settings.set(key!, unquote(value!.trim()));
  }
  return settings;
}

/** The sampler's name; newer tools write the Karras schedule apart from it. */
function samplerOf(settings: Map<string, string>): SchedulerName | undefined {
  const label = plain(settings.get('Sampler') ?? '');
  const karras = /karras/i.test(settings.get('Schedule type') ?? '');
  return (
    SAMPLERS_BY_LABEL.get(karras && !label.endsWith('karras') ? `${label}karras` : label) ??
    SAMPLERS_BY_LABEL.get(label)
  );
}

function plain(label: string): string {
  return label
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replaceAll(/[\s_-]/g, '');
}

function oneOf<Name extends string>(known: readonly Name[], text: string | undefined): Name | undefined {
  return known.find((name) => name === text);
}

/** `name: strength` pairs separated by semicolons. */
function formatLoras(loras: readonly LoraChoice[]): string {
  return loras.map(({ lora, strength }) => `${lora}: ${strength}`).join('; ');
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

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}(\.\d{1,20})?$/.test(text) ? Number(text) : undefined;
}

function quoteIfNeeded(value: string): string {
  return /[,:"\n]|^\s|\s$|^$/.test(value) ? JSON.stringify(value) : value;
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}

/** Without the fields that are undefined. */
function withoutGaps(recipe: ParsedRecipe): ParsedRecipe {
  return Object.fromEntries(
    Object.entries(recipe).filter(([, value]) => value !== undefined),
  ) as ParsedRecipe;
}
