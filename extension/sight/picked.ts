import path from 'node:path';
import { TabInputCustom, TabInputText, Uri, window, workspace } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { openPicture as openBytes } from '../../engine/pictures/open.ts';
import { readPictureUri } from '../editor/pictureFile.ts';
import { nameOf } from '../readUri.ts';

/** File endings of pictures that can be read. */
export const PICTURE_ENDINGS = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'gif', 'tif', 'tiff'];

/**
 * The picture for a command: the one that it was called on in the Explorer, else the open one, else one that
 * the user picks. Undefined if they do not.
 */
export async function pickedPicture(asked: unknown, title: string): Promise<Uri | undefined> {
  if (asked instanceof Uri) return asked;
  const open = openPicture();
  if (open) return open;
  const [chosen] =
    (await window.showOpenDialog({
      title,
      canSelectMany: false,
      defaultUri: workspace.workspaceFolders?.[0]?.uri,
      filters: { Images: PICTURE_ENDINGS },
    })) ?? [];
  return chosen;
}

/**
 * Gives a picture's file to the engine, which is told no names: a file that it cannot read is looked at once more, for
 * a sentence with its name.
 */
export async function withPicked<Result>(
  picture: Uri,
  use: (image: Uint8Array, name: string) => PromiseLike<Result>,
): Promise<Result> {
  const image = await readPictureUri(picture);
  const name = nameOf(picture);
  try {
    return await use(image, name);
  } catch (error) {
    if (error instanceof InputError) await (await openBytes(image, name)).decode();
    throw error;
  }
}

function openPicture(): Uri | undefined {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  if (!(input instanceof TabInputCustom || input instanceof TabInputText)) return undefined;
  const ending = path.posix.extname(input.uri.path).slice(1).toLowerCase();
  return PICTURE_ENDINGS.includes(ending) ? input.uri : undefined;
}
