import { workspace } from 'vscode';
import type { GenerateRequest } from '../engine/api.ts';
import { workspaceFolder } from './destination.ts';
import { pictureSettings } from './settings.ts';

/**
 * A request with the user's settings for what it does not say itself.
 * @throws InputError if a setting is not what it must be
 */
export function withSettings(request: GenerateRequest): GenerateRequest {
  const folder = workspaceFolder();
  const settings = workspace.getConfiguration('patchwork', folder?.uri);
  const base = folder?.uri.scheme === 'file' ? folder.uri.fsPath : undefined;
  return { ...defined(pictureSettings((name) => settings.get(name), base)), ...defined(request) };
}

/** Without the fields that are undefined, which would hide those of what it is spread over. */
function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
