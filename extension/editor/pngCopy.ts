import path from 'node:path';
import { Uri, workspace } from 'vscode';
import { encodePicture } from '../../engine/pictures/compose.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { numberedNames } from '../../shared/names.ts';
import { showInformation } from '../messages.ts';
import { nameOf } from '../readUri.ts';
import { writeUnderFreeName } from '../save.ts';
import { isEditable, readPictureUri } from './pictureFile.ts';

/**
 * What the editor opens for an image file: the file, or for formats that it does not write a PNG beside it, `lake.png` of
 * `lake.avif`, with the first frame of an animation. Nothing is overwritten.
 * @throws InputError if it is no image
 */
export async function editableOf(file: Uri): Promise<Uri> {
  if (isEditable(file)) return file;
  const name = nameOf(file);
  const picture = await decodePicture(await readPictureUri(file), name);
  const png = await encodePicture(picture);
  const names = numberedNames(path.posix.parse(name).name);
  const copy = await writeUnderFreeName(workspace.fs, Uri.joinPath(file, '..'), names, png);
  void showInformation(`${name} stays as it is: its PNG copy ${nameOf(copy)} is open.`);
  return copy;
}
