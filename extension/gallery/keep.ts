import path from 'node:path';
import { Uri, workspace } from 'vscode';
import type { PictureInfo } from '../../shared/gallery.ts';
import { pictureNames } from '../../shared/names.ts';
import { saveByDialog, saveToWorkspace } from '../destination.ts';
import { writeUnderFreeName } from '../save.ts';
import type { Services } from '../services.ts';
import { uriOf } from '../storedUri.ts';

/** The file that an image was saved to, if it is still there. */
export async function savedFile({ savedAs }: PictureInfo): Promise<Uri | undefined> {
  const file = savedAs ? Uri.parse(savedAs) : undefined;
  return file && (await exists(file)) ? file : undefined;
}

/**
 * Saves an image into the open folder, or where the user says, unless it is saved already. @returns its file, or
 * undefined if the user cancelled
 */
export async function keepImage(services: Services, picture: PictureInfo): Promise<Uri | undefined> {
  const saved = await savedFile(picture);
  if (saved) return saved;
  const png = await services.gallery.bytes(picture.id);
  const near = services.lastEditor.place?.document.uri;
  const file =
    (await saveToWorkspace(picture.recipe, png, near)) ?? (await saveByDialog(picture.recipe, png));
  return await noted(services, picture, file);
}

/** Saves an image where the user says. */
export async function keepImageAs(services: Services, picture: PictureInfo): Promise<Uri | undefined> {
  const png = await services.gallery.bytes(picture.id);
  return await noted(services, picture, await saveByDialog(picture.recipe, png));
}

/** A file of the image that can be edited: in the open folder, else a copy beside the gallery. */
export async function editableFile(services: Services, picture: PictureInfo): Promise<Uri> {
  const saved = await savedFile(picture);
  if (saved) return saved;
  const { recipe } = picture;
  const png = await services.gallery.bytes(picture.id);
  const near = services.lastEditor.place?.document.uri;
  const inFolder = await saveToWorkspace(recipe, png, near);
  if (inFolder) return (await noted(services, picture, inFolder))!;
  const copies = uriOf(path.join(services.gallery.folder, '..', 'edits'));
  return await writeUnderFreeName(workspace.fs, copies, pictureNames(recipe.prompt, recipe.seed), png);
}

async function noted(
  services: Services,
  picture: PictureInfo,
  file: Uri | undefined,
): Promise<Uri | undefined> {
  if (file) await services.gallery.update({ ...picture, savedAs: file.toString() });
  return file;
}

async function exists(uri: Uri): Promise<boolean> {
  return await workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
