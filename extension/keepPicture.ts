import { Uri, workspace } from 'vscode';
import type { PictureInfo } from '../shared/viewProtocol.ts';
import { saveByDialog, saveToWorkspace } from './destination.ts';
import type { Services } from './services.ts';

/** The file that a picture was saved to. */
export function savedUri({ savedAs }: PictureInfo): Uri | undefined {
  return savedAs ? Uri.parse(savedAs) : undefined;
}

/**
 * Saves a picture, unless it is saved already and the file is still there.
 * @returns the picture with `savedAs`, or undefined if the user changed their mind
 */
export async function keepPicture(
  services: Services,
  picture: PictureInfo,
): Promise<PictureInfo | undefined> {
  const saved = savedUri(picture);
  if (saved && (await exists(saved))) return picture;
  const png = await services.pictures.bytes(picture.id);
  const near = services.lastEditor.place?.document.uri;
  const target =
    (await saveToWorkspace(picture.recipe, png, near)) ?? (await saveByDialog(picture.recipe, png));
  if (!target) return undefined;
  const kept = { ...picture, savedAs: target.toString() };
  await services.pictures.update(kept);
  return kept;
}

async function exists(uri: Uri): Promise<boolean> {
  return await workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
