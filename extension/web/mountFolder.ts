import type { Uri } from 'vscode';
import { mount } from '../../engine/host/web/fs.ts';
import { placedPath, placeFolder } from '../storedUri.ts';
import { UriStore } from './uriStore.ts';

let mounted = 0;

/** The path of a folder of VS Code's file system, at which it is mounted the first time. */
export function mountFolder(folder: Uri): string {
  const known = placedPath(folder);
  if (known !== undefined) return known;
  mounted++;
  const path = mounted === 1 ? '/workspace' : `/workspace-${mounted}`;
  mount(path, new UriStore(folder));
  placeFolder(path, folder);
  return path;
}
