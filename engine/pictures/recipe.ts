import {
  ATTENTIONS,
  type ControlChoice,
  DECODERS,
  type LoraChoice,
  PRECISIONS,
  type Recipe,
  SCHEDULER_TITLES,
  type SchedulerName,
  SIGMA_SPACINGS,
  SIGMA_TITLES,
  type SigmaSpacing,
  WEBUI_NAMES,
} from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { plainText } from '../../shared/plainText.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { commentIn, textsIn } from './exif-comment.ts';
import { isPng } from './png-chunks.ts';
import { readPngText, withPngText } from './png-text.ts';
import { comfyRecipe, comfyWorkflowRecipe } from './recipes/comfyui.ts';
import {
  isJsonList,
  isObject,
  jsonObject,
  type ReadRecipe,
  setSize,
  settingsOf,
  textOf,
} from './recipes/json.ts';
import { drawThingsRecipe, invokeRecipe, novelAiRecipe, oldInvokeRecipe } from './recipes/others.ts';

/** PNG keyword under which Stable Diffusion tools store the recipe. */
const KEYWORD = 'parameters';

/** Longer texts are not recipes. */
const MAX_CHARACTERS = 100_000;

/** Letters and timesteps of a step plan. */
const MAX_STEP_PLAN = 3000;

const NEGATIVE = 'Negative prompt:';

/** Samplers by the names of Stable Diffusion WebUI. */
const SAMPLER_LABELS: Readonly<Record<SchedulerName, string>> = { ...SCHEDULER_TITLES, ...WEBUI_NAMES };

/** Names in lower case without spaces and dashes: the WebUI's, ComfyUI's and ours. */
const SAMPLERS_BY_LABEL: ReadonlyMap<string, SchedulerName> = new Map([
  ...Object.entries(SAMPLER_LABELS).map(([name, label]) => [plain(label), name as SchedulerName] as const),
  ...Object.keys(SAMPLER_LABELS).map((name) => [plain(name), name as SchedulerName] as const),
  ...Object.entries(SCHEDULER_TITLES).map(([name, title]) => [plain(title), name as SchedulerName] as const),
]);

/** The readable part of an untrusted recipe. Values are well-formed, but may be out of the engine's bounds. */
export type ParsedRecipe = Partial<Recipe> &
  Pick<Recipe, 'prompt' | 'negativePrompt'> & {
    /** Sentences for the user about what was not taken over. */
    notes?: string[];
  };

/** Writes the recipe into a PNG file's text. @throws InputError if the PNG file is not valid. */
export function withRecipe(png: Uint8Array, recipe: Recipe): Uint8Array {
  return withPngText(png, KEYWORD, formatRecipe(recipe));
}

/** Under which Stable Diffusion WebUI says what was done with an image after it was generated. */
const PROCESSED = 'postprocessing';

/**
 * Copies the recipe of an image file unchanged into the PNG file of the image made larger, and adds how it
 * was made larger, in the words of Stable Diffusion WebUI.
 */
export function withUpscaling(
  png: Uint8Array,
  from: Uint8Array | undefined,
  { model, scale, repaint }: { model: string; scale: number; repaint?: { model: string; strength: number } },
): Uint8Array {
  const recipe = from && isPng(from) ? readPngText(from, KEYWORD) : undefined;
  const kept = recipe === undefined ? png : withPngText(png, KEYWORD, recipe);
  const said = `Postprocess upscale by: ${scale}, Postprocess upscaler: ${quoteIfNeeded(model)}`;
  const again = repaint
    ? `, Postprocess repaint: ${quoteIfNeeded(repaint.model)}, Postprocess repaint strength: ${repaint.strength}`
    : '';
  return withPngText(kept, PROCESSED, said + again);
}

/** Texts of PNG files by their keywords, and what reads them, in the order in which they count. */
const PNG_RECIPES: readonly (readonly [
  string,
  (text: string, png: Uint8Array) => ParsedRecipe | undefined,
])[] = [
  [KEYWORD, parseRecipe],
  ['prompt', (text) => checked(comfyRecipe(text))],
  ['workflow', (text) => checked(comfyWorkflowRecipe(text))],
  ['invokeai_metadata', (text) => checked(invokeRecipe(text))],
  ['sd-metadata', (text) => checked(oldInvokeRecipe(text))],
  ['Comment', (text, png) => checked(novelAiRecipe(text, readPngText(png, 'Description')))],
  ['XML:com.adobe.xmp', (text) => checked(drawThingsRecipe(text))],
];

/** Reads the recipe in a PNG file, ours or another tool's. @throws InputError if the PNG file is not valid. */
export function readRecipe(png: Uint8Array): ParsedRecipe | undefined {
  for (const [keyword, read] of PNG_RECIPES) {
    const text = readPngText(png, keyword);
    const recipe = text === undefined ? undefined : read(text, png);
    if (recipe) return recipe;
  }
  return undefined;
}

/** The recipe in the EXIF of a JPEG or WebP file: a comment, or ComfyUI's graph. Other comments are none. */
export function exifRecipe(exif: Uint8Array): ParsedRecipe | undefined {
  const comment = commentIn(exif);
  const recipe = comment === undefined ? undefined : parseRecipe(comment);
  if (recipe?.steps !== undefined) return recipe;
  const texts = textsIn(exif);
  for (const [begin, read] of [
    ['prompt:', comfyRecipe],
    ['workflow:', comfyWorkflowRecipe],
  ] as const) {
    const text = texts.find((one) => one.toLowerCase().startsWith(begin));
    const found = text === undefined ? undefined : checked(read(text.slice(begin.length)));
    if (found) return found;
  }
  return undefined;
}

/** What another tool's reader found, with its settings checked. */
function checked(found: ReadRecipe | undefined): ParsedRecipe | undefined {
  if (!found) return undefined;
  const { prompt, negativePrompt, settings } = found;
  return withSettings({ prompt, negativePrompt }, settings);
}

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
    ...(recipe.budget
      ? [['Budget', `${recipe.budget.share} of ${recipe.budget.steps} steps`] as [string, string]]
      : []),
    ...(recipe.stepPlan ? [['Step plan', recipe.stepPlan] as [string, string]] : []),
    ...(recipe.strength === undefined ? [] : [['Denoising strength', recipe.strength] as [string, number]]),
    ...(recipe.decoder ? [['Decoder', recipe.decoder] as [string, string]] : []),
    ...(recipe.loras ? [['Loras', formatLoras(recipe.loras)] as [string, string]] : []),
    ...(recipe.clipSkip ? [['Clip skip', recipe.clipSkip] as [string, number]] : []),
    ...(recipe.referredTo ?? []).map(
      ({ model, strength }, i) => [`Reference ${i}`, `${model} ${strength}`] as [string, string],
    ),
    ...(recipe.steeredBy ?? []).map(
      (control, i) => [`Control ${i}`, formatControl(control)] as [string, string],
    ),
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
  if (json) return recipeOfJson(json);
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

/** Settings that are read, or that do not affect the image. */
const READ = ['Steps', 'Sampler', 'Schedule type', 'CFG scale', 'Seed', 'Size', 'Model', 'Precision'];
const OURS = ['Attention', 'Budget', 'Step plan', 'Decoder', 'Loras', 'Clip skip', 'Denoising strength'];
const IDLE =
  /hash|^(?:Version|User|App|Date|Created Date|Civitai.*|Eta.*|RNG|Module.*|Parser|Backend|Operations)$/i;

function withSettings(
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
      : ![...READ, ...OURS].includes(key) && !IDLE.test(key),
  );
  const notes = [
    ...(lost.length > 0 ? [noteOf(lost)] : []),
    ...seedNotes(settings.get('Seed'), recipe.seed),
    ...planNotes(settings.get('Step plan'), recipe.stepPlan),
  ];
  return withoutGaps({ ...recipe, ...(notes.length > 0 && { notes }) });
}

/** A sentence about a seed that could be taken only in part. */
function seedNotes(written: string | undefined, taken: number | undefined): string[] {
  if (taken === undefined || String(taken) === written?.replace(/^0+(?=\d)/, '')) return [];
  return [`The seed ${written} is beyond what seeds can be here; its last 53 bits, ${taken}, are used.`];
}

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

const MOST_NAMED = 8;

function noteOf(lost: readonly (readonly [string, string])[]): string {
  const named = lost.slice(0, MOST_NAMED).map(([key, value]) => {
    const short = value.length > 40 ? `${value.slice(0, 40)}…` : value;
    return `${key}: ${short}`;
  });
  const more = lost.length > MOST_NAMED ? `, and ${lost.length - MOST_NAMED} more` : '';
  return `Of the image's recipe this could not be taken over: ${named.join('; ')}${more}.`;
}

/** Field names of SwarmUI, Fooocus and Easy Diffusion for each setting. */
const JSON_FIELDS: Readonly<Record<string, string>> = {
  steps: 'Steps',
  num_inference_steps: 'Steps',
  sampler: 'Sampler',
  sampler_name: 'Sampler',
  scheduler: 'Schedule type',
  cfgscale: 'CFG scale',
  cfg_scale: 'CFG scale',
  guidance_scale: 'CFG scale',
  seed: 'Seed',
  model: 'Model',
  base_model: 'Model',
  use_stable_diffusion_model: 'Model',
};

/** Their fields that change an image and are not taken over. */
const LOST_FIELD =
  /lora|lycoris|control|init_?image|style|refiner|clip_?(?:skip|stop)|embedding|hypernetwork/i;
const UNUSED = /^(?:|none|null|false|0|default|automatic)$/i;

function recipeOfJson(json: Record<string, unknown>): ParsedRecipe | undefined {
  const fields = isObject(json.sui_image_params) ? json.sui_image_params : json;
  const { prompt, width, height, resolution } = fields;
  if (typeof prompt !== 'string') return undefined;
  const settings = settingsOf(fields, JSON_FIELDS);
  const [first, second] = /^\((\d+), (\d+)\)$/.exec(String(resolution))?.slice(1) ?? [width, height];
  setSize(settings, first, second);
  for (const [field, value] of Object.entries(fields)) {
    const text = typeof value === 'object' ? JSON.stringify(value ?? '') : String(value);
    if (LOST_FIELD.test(field) && !UNUSED.test(text.replaceAll(/[[\]{}"]/g, ''))) settings.set(field, text);
  }
  return withSettings(
    { prompt, negativePrompt: textOf(fields.negativeprompt ?? fields.negative_prompt) },
    settings,
  );
}

const KEY = /[A-Za-z][\w /-]{0,60}:/y;
const QUOTED = /"(?:\\.|[^\\"])*"/y;

/**
 * `key: value` pairs separated by commas or line breaks; values with commas, colons or line breaks are JSON strings, or
 * lists and objects of other tools. The first value of a key wins.
 */
function parseSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  /** Position of an unclosed quote or bracket: none after it is closed either. */
  let open = text.length;
  for (let at = 0; at < text.length; ) {
    while (text[at] === ' ') at++;
    KEY.lastIndex = at;
    const [found] = KEY.exec(text) ?? [];
    if (!found) {
      at = endOfValue(text, at) + 1;
      continue;
    }
    let begin = at + found.length;
    while (text[begin] === ' ') begin++;
    let from = begin;
    if (begin < open && /["{[]/.test(text[begin] ?? '')) {
      const closed = text[begin] === '"' ? endOfQuoted(text, begin) : endOfBrackets(text, begin);
      if (closed === undefined) open = begin;
      from = closed ?? begin;
    }
    const end = endOfValue(text, from);
    const key = found.slice(0, -1).trim();
    if (!settings.has(key)) settings.set(key, unquote(text.slice(begin, end).trim()));
    at = end + 1;
  }
  return settings;
}

/** Index of the next comma or line break, or the text's end. */
function endOfValue(text: string, from: number): number {
  let end = from;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++;
  return end;
}

function endOfQuoted(text: string, begin: number): number | undefined {
  QUOTED.lastIndex = begin;
  return QUOTED.test(text) ? QUOTED.lastIndex : undefined;
}

/** Index after the bracket that closes the one at `begin`; brackets in strings do not count. */
function endOfBrackets(text: string, begin: number): number | undefined {
  let depth = 0;
  for (let at = begin; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') {
      const end = endOfQuoted(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (sign === '{' || sign === '[') depth++;
    else if ((sign === '}' || sign === ']') && --depth === 0) return at + 1;
  }
  return undefined;
}

/**
 * The sampler and how its noise levels are spaced. Newer tools say the latter in a setting of its own, older ones at
 * the end of the sampler's name.
 */
function samplerOf(settings: ReadonlyMap<string, string>): {
  scheduler?: SchedulerName;
  sigmas?: SigmaSpacing;
} {
  const label = plain(settings.get('Sampler') ?? '');
  const own = SAMPLERS_BY_LABEL.get(label);
  const sigmas = sigmasOf(settings.get('Schedule type') ?? '');
  if (!sigmas && own) return { scheduler: own };
  const ending = SIGMA_SPACINGS.find((name) => label.endsWith(name));
  const spacing = sigmas ?? ending;
  const bare = ending ? label.slice(0, -ending.length) : label;
  const named = SAMPLERS_BY_LABEL.get(`${bare}${spacing}`);
  if (named) return { scheduler: named };
  const scheduler = SAMPLERS_BY_LABEL.get(bare);
  return { ...(scheduler && { scheduler }), ...(scheduler && spacing && { sigmas: spacing }) };
}

/** How noise levels are spaced, by the names of A1111, ComfyUI, SwarmUI and NovelAI. */
function sigmasOf(schedule: string): SigmaSpacing | undefined {
  const name = plain(schedule);
  return SIGMA_SPACINGS.find((spacing) => name === spacing || name === plain(SIGMA_TITLES[spacing]));
}

/** Whether a sampler's noise levels are what a recipe says of them, in the words of A1111, ComfyUI and NovelAI. */
function isKnownSchedule(schedule = '', { scheduler, sigmas }: Partial<Recipe>): boolean {
  const asked = sigmasOf(schedule);
  if (asked) return sigmas === asked || scheduler?.endsWith(asked) === true;
  return /^(?:|automatic|default|normal|discrete|native|uniform|linear)$/i.test(schedule);
}

/** A number that a request may hold. */
function within({ min, max }: { min: number; max: number }, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function budgetOf(text: string | undefined): Recipe['budget'] {
  const [, share, steps] = /^(\d(?:\.\d{1,6})?) of (\d{1,3}) steps$/.exec(text ?? '') ?? [];
  return share ? { share: Number(share), steps: Number(steps) } : undefined;
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

/** Removes undefined fields. */
function withoutGaps(recipe: ParsedRecipe): ParsedRecipe {
  return Object.fromEntries(
    Object.entries(recipe).filter(([, value]) => value !== undefined),
  ) as ParsedRecipe;
}
