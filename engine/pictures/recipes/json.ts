/** Numbers that JavaScript would round: seeds of 64 bits. */
const LONG_NUMBER = /(:\s*)(\d{16,20})(?=\s*[,}\]])/g;

/**
 * The object that a text is, or undefined. Whole numbers of 16 digits and more become texts, so that none is rounded.
 */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}') || isDeep(trimmed)) return undefined;
  // This would tear apart a text that contains such a number; it is then parsed unchanged.
  for (const json of [trimmed.replace(LONG_NUMBER, '$1"$2"'), trimmed]) {
    try {
      const value: unknown = JSON.parse(json);
      return isObject(value) ? value : undefined;
    } catch {
      // A prompt in braces, too.
    }
  }
  return undefined;
}

/** Brackets in brackets, far above any recipe: what is deeper cannot be turned into a text. */
const MAX_DEPTH = 1000;

function isDeep(json: string): boolean {
  let depth = 0;
  for (const [bracket] of json.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Whether a text is a JSON array, such as the nodes of a graph. */
export function isJsonList(text: string): boolean {
  if (!text.startsWith('[') || !text.endsWith(']')) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text, or the empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Fields that are texts or numbers, by the settings of Stable Diffusion WebUI that they stand for. */
export function settingsOf(
  fields: Readonly<Record<string, unknown>>,
  keys: Readonly<Record<string, string>>,
): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [field, key] of Object.entries(keys)) {
    const value = fields[field];
    if ((typeof value === 'string' || typeof value === 'number') && !settings.has(key))
      settings.set(key, String(value));
  }
  return settings;
}

/** What a recipe says before it is checked: the words, and settings by the names of Stable Diffusion WebUI. */
export interface ReadRecipe {
  prompt: string;
  negativePrompt: string;
  settings: Map<string, string>;
}

/** Adds `Size`, unless a side is missing. */
export function setSize(settings: Map<string, string>, width: unknown, height: unknown): void {
  if (width !== undefined && height !== undefined) settings.set('Size', `${width}x${height}`);
}

/** Values of fields that are not in use. */
const UNUSED = /^(?:|none|null|undefined|false|0(?:\.0+)?|default(?: \(model\))?|automatic)$/i;

/**
 * Adds fields that change an image and that no setting here stands for, so that they are reported; not those that are
 * not in use. Lists are reported by their length, objects by their name.
 */
export function addLost(
  settings: Map<string, string>,
  fields: unknown,
  changesImage: RegExp,
  taken?: RegExp,
): void {
  for (const [field, value] of isObject(fields) ? Object.entries(fields) : []) {
    if (!changesImage.test(field) || taken?.test(field)) continue;
    const text = brief(value);
    if (!UNUSED.test(text)) settings.set(field, text);
  }
}

/** Names in a list that are reported; images in Base64 are longer. */
const MAX_NAME = 100;

function brief(value: unknown): string {
  if (Array.isArray(value)) {
    const isNames = value.every((one) => typeof one === 'string' && one.length <= MAX_NAME);
    return isNames || value.length === 0 ? value.join(', ') : String(value.length);
  }
  if (!isObject(value)) return String(value);
  return textOf(value.name ?? value.model_name) || String(Object.keys(value).length);
}
