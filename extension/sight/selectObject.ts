import path from 'node:path';
import { commands, type QuickPickItem, QuickPickItemKind, Uri, window, workspace } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import { type NamedObject, namedObjects } from '../../engine/pipelines/segment/objects.ts';
import type { MaskPixels, ObjectMask } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { messageText } from '../messageText.ts';
import { reportError } from '../report.ts';
import { writeUnderFreeName } from '../save.ts';
import type { Services } from '../services.ts';
import { pickedPicture, withPicked } from './picked.ts';
import { parsePlace, whereIs } from './place.ts';
import { Selector } from './selector.ts';
import { withObjects } from './withObjects.ts';

interface Choice extends QuickPickItem {
  object?: NamedObject;
}

/** Opens the editor with a mask, if it can open such a file; see `openEditorWithMask`. */
type OpenWithMask = (picture: Uri, mask: MaskPixels) => Promise<boolean>;

/**
 * *Select Object…*: the user picks one of the objects in a picture, which is opened in the editor with its mask. For a
 * picture that the editor cannot open, the mask becomes a file beside it.
 */
export async function selectObject(
  services: Services,
  asked: unknown,
  openWithMask: OpenWithMask,
): Promise<void> {
  const title = 'Select Object';
  const picture = await pickedPicture(asked, title);
  if (!picture) return;
  try {
    const object = await withPicked(picture, async (image, name) => {
      const selector = new Selector(services.engine);
      const found = await findNamed(services, selector, image, `Looking for objects in ${name}`);
      const { width, height } = found;
      const chosen = await choose(found, `${title}: ${name}`);
      return chosen && (chosen.object ?? (await typed(selector, image, { width, height })));
    });
    if (!object || (await openWithMask(picture, object)) || !object.png) return;
    const folder = Uri.joinPath(picture, '..');
    const mask = await writeUnderFreeName(
      workspace.fs,
      folder,
      derivedNames(path.posix.parse(picture.path).name, object.name),
      object.png,
    );
    await commands.executeCommand('vscode.open', mask);
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}

interface Found {
  objects: NamedObject[];
  width: number;
  height: number;
  warnings: string[];
}

function findNamed(
  { engine }: Services,
  selector: Selector,
  image: Uint8Array,
  title: string,
): Thenable<Found> {
  return withObjects(selector, image, title, async (found, signal) => {
    const { width, height, warnings } = found;
    return { objects: await namedObjects(engine, found, { signal }), width, height, warnings };
  });
}

async function choose(found: Found, title: string): Promise<Choice | undefined> {
  const { objects, width, height, warnings } = found;
  const share = ({ area }: ObjectMask) => `${((100 * area) / (width * height)).toFixed(1)} %`;
  const choices: Choice[] = objects.map((object) => ({
    label: object.name,
    description: `${object.box ? whereIs(object.box, found) : ''} · ${share(object)}`,
    object,
  }));
  const byHand: Choice = {
    label: '$(location) Enter Coordinates…',
    description: 'a point or a box in pixels',
    alwaysShow: true,
  };
  const separator: Choice = { label: '', kind: QuickPickItemKind.Separator };
  const placeHolder =
    objects.length > 0 ? 'Which object?' : messageText(warnings.join(' ') || 'No objects were found.');
  return window.showQuickPick([...choices, separator, byHand], {
    title,
    placeHolder,
    matchOnDescription: true,
    ignoreFocusOut: true,
  });
}

/** The object at the place that the user gives. */
async function typed(
  selector: Selector,
  image: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<NamedObject | undefined> {
  const text = await window.showInputBox({
    title: 'Enter Coordinates',
    prompt: `X,Y for a point on it, -X,Y for one beside it, X0,Y0,X1,Y1 for a box around it; the image is ${width}×${height} pixels.`,
    placeHolder: `${Math.round(width / 2)},${Math.round(height / 2)}`,
    ignoreFocusOut: true,
    validateInput: (value) => (value && !parsePlace(value) ? 'Like 120,80 or 10,10,200,150.' : undefined),
  });
  const place = text ? parsePlace(text) : undefined;
  if (!place) return undefined;
  const { masks } = await selector.segment({ image, ...place, png: true, most: 1 });
  return masks[0] && { ...masks[0], name: 'mask' };
}
