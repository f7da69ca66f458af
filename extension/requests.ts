import { type Uri, workspace } from 'vscode';
import type { AskedRequest } from '../shared/additions.ts';
import type { EditRequest, GenerateRequest, LoraChoice, PrepareEditRequest } from '../shared/api.ts';
import { defined } from '../shared/defined.ts';
import type { Style } from '../shared/styles.ts';
import { workspaceFolder } from './destination.ts';
import type { AskedModel } from './openAsked.ts';
import { requireHere } from './remote.ts';
import { type PictureSettings, pictureSettings, styleSettings } from './settings.ts';

/** A request with the user's settings as defaults. @throws InputError if a setting is invalid */
export function withSettings<Image>(request: GenerateRequest<Image>): GenerateRequest<Image> {
  return merged(settingsNear(), request);
}

/** The styles that the form can name. @throws InputError if the setting is invalid */
export function stylesNow(): Style[] {
  const settings = workspace.getConfiguration('patchwork', workspaceFolder()?.uri);
  return styleSettings((name) => settings.get(name));
}

/** A stored request, to be repeated: where workers are found is taken from the settings now. */
export function asNow(request: AskedRequest): AskedRequest {
  const { bus } = settingsNear();
  return { ...request, ...(bus && { bus }) };
}

/** The same for an edit of a picture, which has a size of its own. */
export function editWithSettings(request: EditRequest, picture: Uri): EditRequest {
  const { width: _width, height: _height, ...settings } = settingsNear(picture);
  return merged(settings, request);
}

/** The model in the settings for a picture, with its parts; an undefined one is the embedded one. */
export function modelNear(picture: Uri): AskedModel {
  const { model, textEncoders } = settingsNear(picture);
  return { model, textEncoders };
}

/** The same for a picture that will probably be edited; its images may follow. */
export function prepareWithSettings<Request extends Omit<PrepareEditRequest, 'image'>>(
  request: Request,
  picture: Uri,
): Omit<PictureSettings, 'width' | 'height'> & Request {
  const { width: _width, height: _height, ...settings } = settingsNear(picture);
  return merged(settings, request);
}

/**
 * The settings, overridden by a request. LoRA files of both are used; if a file is in both, the request's strength
 * counts.
 */
function merged<Settings extends Pick<PictureSettings, 'loras'>, Request extends { loras?: LoraChoice[] }>(
  settings: Settings,
  request: Request,
): Settings & Request {
  const own = request.loras ?? [];
  const others = (settings.loras ?? []).filter(({ lora }) => !own.some((other) => other.lora === lora));
  const loras = [...others, ...own];
  return { ...settings, ...defined(request), ...(loras.length > 0 && { loras }) };
}

/** The settings that hold for a file, or for the workspace. */
function settingsNear(file?: Uri): PictureSettings {
  const folder = workspaceFolder(file);
  const settings = workspace.getConfiguration('patchwork', folder?.uri);
  const base = folder?.uri.scheme === 'file' ? folder.uri.fsPath : undefined;
  const read = pictureSettings((name) => settings.get(name), base);
  const { model, editModel, vae, textEncoders = [], loras = [] } = read;
  requireHere([model, editModel, vae, ...textEncoders, ...loras.map(({ lora }) => lora)]);
  return defined(read);
}
