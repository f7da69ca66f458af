import { type Uri, workspace } from 'vscode';
import type { EditRequest, GenerateRequest, PrepareEditRequest } from '../shared/api.ts';
import { defined } from '../shared/defined.ts';
import { workspaceFolder } from './destination.ts';
import { type PictureSettings, pictureSettings } from './settings.ts';

/**
 * A request with the user's settings for what it does not say itself.
 * @throws InputError if a setting is not what it must be
 */
export function withSettings(request: GenerateRequest): GenerateRequest {
  return { ...settingsNear(), ...defined(request) };
}

/** A request that was kept, to be made again: where workers are found now is for the settings to say. */
export function asNow(request: GenerateRequest): GenerateRequest {
  const { bus } = settingsNear();
  return { ...request, ...(bus && { bus }) };
}

/** The same for an edit of a picture, which has a size of its own. */
export function editWithSettings(request: EditRequest, picture: Uri): EditRequest {
  const { width: _width, height: _height, ...settings } = settingsNear(picture);
  return { ...settings, ...defined(request) };
}

/** The model that the settings say for a picture; undefined for the embedded one. */
export function modelNear(picture: Uri): string | undefined {
  return settingsNear(picture).model;
}

/** The same for a picture that is likely to be edited. */
export function prepareWithSettings(request: PrepareEditRequest, picture: Uri): PrepareEditRequest {
  const { width: _width, height: _height, ...settings } = settingsNear(picture);
  return { ...settings, ...defined(request) };
}

/** The settings that hold for a file, or for the workspace. */
function settingsNear(file?: Uri): PictureSettings {
  const folder = workspaceFolder(file);
  const settings = workspace.getConfiguration('patchwork', folder?.uri);
  const base = folder?.uri.scheme === 'file' ? folder.uri.fsPath : undefined;
  return defined(pictureSettings((name) => settings.get(name), base));
}
