import { commands, env, type Uri, workspace } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { formatRecipe } from '../../engine/pictures/recipes/webui.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import type { ImageAction } from '../../shared/imageActions.ts';
import { openEditor } from '../editor/tabs.ts';
import { insertLink, requirePlace } from '../insertLink.ts';
import type { Services } from '../services.ts';
import { editableFile, keepImage, keepImageAs, savedFile } from './keep.ts';
import { gone } from './store.ts';

/** The outcome of an action as a sentence, with a next action. */
export interface Done {
  text: string;
  next?: { title: string; run: () => Promise<unknown> };
}

/** Performs an action on images of the gallery. Undefined if there is nothing to report. */
export async function actOn(
  services: Services,
  action: Exclude<ImageAction, 'show' | 'useRecipe' | 'upscale'>,
  ids: readonly string[],
): Promise<Done | undefined> {
  const { gallery } = services;
  switch (action) {
    case 'delete':
      await gallery.delete(ids);
      return {
        text: `Deleted ${count(ids)}.`,
        next: { title: 'Undo', run: () => gallery.restore(ids) },
      };
    case 'restore':
      await gallery.restore(ids);
      return { text: `Restored ${count(ids)}.` };
    case 'save':
      return saved(await Promise.all((await found(services, ids)).map((each) => keepImage(services, each))));
    case 'saveAs':
      return saved([await keepImageAs(services, await one(services, ids))]);
    case 'edit':
      await openEditor(await editableFile(services, await one(services, ids)));
      return undefined;
    case 'insertLink':
      return await insert(services, await one(services, ids));
    case 'copyPrompt':
      await env.clipboard.writeText((await one(services, ids)).recipe.prompt);
      return { text: 'Copied the prompt.' };
    case 'copyRecipe':
      await env.clipboard.writeText(formatRecipe((await one(services, ids)).recipe));
      return { text: 'Copied the recipe.' };
    case 'reveal':
      return await reveal(await one(services, ids));
  }
}

/** @throws InputError if it was removed in the meantime */
export async function one(
  { gallery }: Pick<Services, 'gallery'>,
  [id]: readonly string[],
): Promise<PictureInfo> {
  const picture = id ? await gallery.find(id) : undefined;
  if (!picture) throw gone();
  return picture;
}

async function found(services: Services, ids: readonly string[]): Promise<PictureInfo[]> {
  return await Promise.all(ids.map((id) => one(services, [id])));
}

async function insert(services: Services, picture: PictureInfo): Promise<Done | undefined> {
  // Checked before anything is saved for it.
  requirePlace(services.lastEditor);
  const file = await keepImage(services, picture);
  if (!file) return undefined;
  const document = await insertLink(services.lastEditor, file, picture.recipe.prompt);
  return { text: `Inserted a link into ${document}.`, next: opening(file) };
}

async function reveal(picture: PictureInfo): Promise<Done | undefined> {
  const file = await savedFile(picture);
  if (!file) throw new InputError('This image is not saved as a file yet. Save it first.');
  await commands.executeCommand(
    workspace.getWorkspaceFolder(file) ? 'revealInExplorer' : 'revealFileInOS',
    file,
  );
  return undefined;
}

function saved(files: readonly (Uri | undefined)[]): Done | undefined {
  const there = files.filter((file) => file !== undefined);
  const [first] = there;
  if (!first) return undefined;
  if (there.length > 1) return { text: `Saved ${there.length} images in ${folderOf(first)}.` };
  return { text: `Saved as ${workspace.asRelativePath(first)}.`, next: opening(first) };
}

function opening(file: Uri): NonNullable<Done['next']> {
  return { title: 'Open the file', run: async () => await commands.executeCommand('vscode.open', file) };
}

function folderOf(file: Uri): string {
  return workspace.asRelativePath(file.with({ path: file.path.replace(/\/[^/]*$/, '') }));
}

function count({ length }: readonly string[]): string {
  return length === 1 ? '1 image' : `${length} images`;
}
