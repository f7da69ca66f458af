import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../engine/errors.ts';
import { isRepositoryId } from '../engine/hub/repository-id.ts';
import { DEVICE_CHOICES, type DeviceChoice, type GenerateRequest, type LoraChoice } from '../shared/api.ts';
import { isFileName } from '../shared/fileNames.ts';
import { homePath } from '../shared/homePath.ts';
import { LIMITS } from '../shared/limits.ts';
import { plainText } from '../shared/plainText.ts';
import { isSide, parseSize, sizesInWords } from '../shared/sizes.ts';
import { STYLES, type Style, styleNamed } from '../shared/styles.ts';
import { SETTINGS, type Setting, type SettingName } from './settingEntries.ts';

/** Settings that are fields of requests: those marked so. */
type RequestSetting = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends { request: true } ? Name : never;
}[SettingName];

/** The user's settings for all images; absent means the model's own default. */
export type PictureSettings = Pick<
  GenerateRequest,
  | RequestSetting
  | 'model'
  | 'editModel'
  | 'vae'
  | 'textEncoders'
  | 'modelFolders'
  | 'width'
  | 'height'
  | 'bus'
  | 'decoder'
  | 'loras'
>;

/** The value of a setting of the section `patchwork`; settings.json is typed by hand, so it may be anything. */
type GetSetting = (name: SettingName) => unknown;

/**
 * The settings as a request takes them.
 * @param base folder that a relative model path starts from
 * @throws InputError naming the setting and what it may be
 */
export function pictureSettings(get: GetSetting, base?: string): PictureSettings {
  return {
    ...asTheyAre(get),
    ...size(get('size')),
    model: place('model', text(get, 'model'), base),
    editModel: place('editModel', text(get, 'editModel'), base),
    ...parts(get, base),
    ...folders(get),
    decoder: text(get, 'decoder') === 'fast' ? 'fast' : undefined,
    loras: loras(get('loras'), base),
    bus: bus(text(get, 'bus'), text(get, 'busCredentials')),
  };
}

function asTheyAre(get: GetSetting): Pick<GenerateRequest, RequestSetting> {
  const entries = Object.entries(SETTINGS) as [SettingName, Setting][];
  const values = entries
    .filter(([, { request }]) => request)
    .map(([name, { type, ...schema }]) => {
      const choices = schema.enum as readonly string[] | undefined;
      if (choices) return [name, oneOf(name, choices.filter(Boolean), get)];
      if (type === 'string') return [name, text(get, name)];
      return [name, number(get, name, { max: schema.maximum as number }, type === 'integer')];
    });
  return Object.fromEntries(values);
}

/** Settings for the parts of a single file. */
function parts(get: GetSetting, base?: string): Pick<PictureSettings, 'vae' | 'textEncoders'> {
  const encoder = place('textEncoder', text(get, 'textEncoder'), base);
  return {
    vae: place('vae', text(get, 'vae'), base),
    textEncoders: encoder === undefined ? undefined : [encoder],
  };
}

/** Folders of the files that prompts name. */
function folders(get: GetSetting): Pick<PictureSettings, 'modelFolders'> {
  const found = modelFolders(get);
  return found.length > 0 ? { modelFolders: found } : {};
}

/** Folders of other tools in which models are looked for; relative paths are ignored. */
export function modelFolders(get: GetSetting): string[] {
  const value = get('modelFolders');
  const folders = Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : [];
  return folders
    .map((folder) => homePath(folder.trim(), os.homedir()))
    .filter((folder) => path.isAbsolute(folder));
}

/**
 * The styles that a prompt can have: the included ones, those of the same name replaced by the user's, and the user's.
 * @throws InputError if the setting is invalid
 */
export function styleSettings(get: GetSetting): Style[] {
  const own = Object.entries(stylesOf(get('styles'))).map(([name, words]) => ({ name, ...words }));
  const others = STYLES.filter(({ name }) => !styleNamed(name, own));
  return [...others, ...own];
}

const styleSchema = z.object({
  prompt: z.string().max(LIMITS.promptCharacters),
  negativePrompt: z.string().max(LIMITS.promptCharacters).optional(),
});
const stylesSchema = z.record(z.string().trim().min(1).max(LIMITS.styleCharacters), styleSchema);

function stylesOf(value: unknown): z.infer<typeof stylesSchema> {
  const read = stylesSchema.safeParse(value ?? {});
  if (read.success) return read.data;
  throw settingError('styles', 'must give each style a prompt, and if it has one a negativePrompt, as text.');
}

/** Processor threads for one network run; undefined: the engine's default. */
export function threadSetting(get: GetSetting): number | undefined {
  return number(get, 'threads', LIMITS.threads);
}

/**
 * Where networks run. Read before each engine start.
 * @throws InputError for an unknown device
 */
export function deviceSetting(get: GetSetting): DeviceChoice {
  return oneOf('device', DEVICE_CHOICES, get) ?? 'auto';
}

/** Megabytes that recorded features of pictures may take; 0: the engine's default. Read before each engine start. */
export function featureMegabytes(get: GetSetting): number {
  const value = get('featureMemory');
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

/** Bytes that the gallery may take; 0: no limit. */
export function galleryBytes(get: GetSetting): number {
  const value = get('galleryLimit');
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value * 1e6
    : SETTINGS.galleryLimit.default * 1e6;
}

/**
 * The output folder as path segments below the workspace folder; empty for the workspace folder itself.
 * @throws InputError if it leaves the workspace folder
 */
export function outputFolder(get: GetSetting, { sep } = path as { sep: string }): string[] {
  const setting = text(get, 'outputFolder') ?? '';
  const segments = setting.split(/[/\\]/).filter((segment) => segment !== '' && segment !== '.');
  const absolute = /^[/\\~]|^[a-z]:/i.test(setting);
  // Elsewhere a folder may have a name that would be another one on Windows.
  const isName = (segment: string) =>
    sep === '\\' ? isFileName(segment) : segment !== '..' && !segment.includes('\0');
  if (absolute || !segments.every(isName)) {
    throw settingError('outputFolder', `must be a folder inside the workspace, not “${shown(setting)}”.`);
  }
  return segments;
}

function size(value: unknown): Pick<GenerateRequest, 'width' | 'height'> {
  if (value === undefined || value === null || value === '') return {};
  const read = parseSize(shown(value));
  if (!read || !isSide(read.width) || !isSide(read.height)) {
    throw settingError('size', `must be WIDTHxHEIGHT, ${sizesInWords()}, not “${shown(value)}”.`);
  }
  return read;
}

function number(get: GetSetting, name: SettingName, { max }: { max: number }, whole = true) {
  const value = get(name);
  if (value === undefined || value === null || value === 0 || value === '') return undefined;
  const valid =
    typeof value === 'number' && value >= 0 && value <= max && (!whole || Number.isInteger(value));
  if (!valid) {
    const kind = whole ? 'a whole number' : 'a number';
    throw settingError(name, `must be ${kind} from 0 (the default) to ${max}, not “${shown(value)}”.`);
  }
  return value;
}

function bus(url: string | undefined, credentials: string | undefined): GenerateRequest['bus'] {
  return url ? { url, ...(credentials && { credentials }) } : undefined;
}

function oneOf<Name extends string>(
  setting: SettingName,
  names: readonly Name[],
  get: GetSetting,
): Name | undefined {
  const name = text(get, setting);
  const known = names.find((other) => other === name);
  if (name && !known)
    throw settingError(setting, `must be one of ${names.join(', ')}, not “${shown(name)}”.`);
  return known;
}

/** A path, or an unchanged name of the hub. */
function place(name: SettingName, setting: string | undefined, base?: string): string | undefined {
  if (!setting) return undefined;
  const atHome = homePath(setting, os.homedir());
  if (atHome !== setting) return path.normalize(atHome);
  const file = path.resolve(base ?? '', setting);
  if (isRepositoryId(setting.split('@')[0]!) && !(base && existsSync(file))) return setting;
  if (!base && !path.isAbsolute(setting)) {
    throw settingError(name, `must be a full path where no folder of this machine is open.`);
  }
  return file;
}

function loras(value: unknown, base?: string): LoraChoice[] | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : undefined;
  const { min, max } = LIMITS.loraStrength;
  if (!entries?.every(([, strength]) => typeof strength === 'number' && strength >= min && strength <= max)) {
    throw settingError('loras', `must give each LoRA file a strength from ${min} to ${max}.`);
  }
  if (entries.length === 0) return undefined;
  return entries.map(([lora, strength]) => ({ lora: place('loras', lora, base) ?? lora, strength }));
}

function text(get: GetSetting, name: SettingName): string | undefined {
  const value = get(name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw settingError(name, `must be text.`);
  return value.trim() || undefined;
}

function settingError(setting: string, must: string): InputError {
  return new InputError(`The setting patchwork.${setting} ${must}`, { setting });
}

/** A setting's value, which may be anything, quoted for an error. */
function shown(value: unknown): string {
  return plainText(typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value), 100);
}
