import path from 'node:path';
import { commands, type QuickPickItem, QuickPickItemKind, Uri, window, workspace } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import type { ThingMask } from '../../shared/api.ts';
import { derivedNames } from '../../shared/names.ts';
import { reportError } from '../report.ts';
import { writeUnderFreeName } from '../save.ts';
import type { Services } from '../services.ts';
import { withThings } from './findThings.ts';
import { nameOf, pickedPicture } from './picked.ts';
import { parsePlace, whereIs } from './place.ts';

/** A thing in a picture, with its name where the tagger knows one. */
interface NamedThing extends ThingMask {
  name: string;
}

interface Choice extends QuickPickItem {
  thing?: NamedThing;
}

/** *Select Object…*: the user picks one of the things in a picture, and its mask becomes a file that is opened. */
export async function selectObject(services: Services, asked: unknown): Promise<void> {
  const title = 'Select Object';
  const picture = await pickedPicture(asked, title);
  if (!picture) return;
  try {
    const image = await workspace.fs.readFile(picture);
    const { things, width, height } = await findNamed(
      services,
      image,
      `Looking for things in ${nameOf(picture)}`,
    );
    const chosen = await choose(things, { width, height }, `${title}: ${nameOf(picture)}`);
    if (!chosen) return;
    const thing = chosen.thing ?? (await typed(services, image, { width, height }));
    if (!thing?.png) return;
    const folder = Uri.joinPath(picture, '..');
    const mask = await writeUnderFreeName(
      workspace.fs,
      folder,
      derivedNames(path.posix.parse(picture.path).name, thing.name),
      thing.png,
    );
    await commands.executeCommand('vscode.open', mask);
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}

function findNamed(
  { engine }: Services,
  image: Uint8Array,
  title: string,
): Thenable<{ things: NamedThing[]; width: number; height: number }> {
  return withThings(engine, image, title, async ({ things, width, height, picture }, signal) => {
    const named: NamedThing[] = [];
    for (const thing of things) {
      const mask = { width: thing.width, height: thing.height, data: thing.data };
      const { prompt } = await engine.describe({ image: picture, mask }, { signal });
      named.push({ ...thing, name: prompt || 'something' });
    }
    return { things: named, width, height };
  });
}

async function choose(
  things: readonly NamedThing[],
  picture: { width: number; height: number },
  title: string,
): Promise<Choice | undefined> {
  const share = ({ area }: ThingMask) => `${((100 * area) / (picture.width * picture.height)).toFixed(1)} %`;
  const choices: Choice[] = things.map((thing) => ({
    label: thing.name,
    description: `${thing.box ? whereIs(thing.box, picture) : ''} · ${share(thing)}`,
    thing,
  }));
  const byHand: Choice = {
    label: '$(location) Say Where…',
    description: 'a point or a box in pixels',
    alwaysShow: true,
  };
  const separator: Choice = { label: '', kind: QuickPickItemKind.Separator };
  const placeHolder = things.length > 0 ? 'Which thing?' : 'Nothing was found by itself.';
  return window.showQuickPick([...choices, separator, byHand], {
    title,
    placeHolder,
    matchOnDescription: true,
  });
}

/** The thing where the user says that it is. */
async function typed(
  { engine }: Services,
  image: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<NamedThing | undefined> {
  const text = await window.showInputBox({
    title: 'Say Where the Thing Is',
    prompt: `X,Y for a point on it, -X,Y for one beside it, X0,Y0,X1,Y1 for a box around it; the picture is ${width}×${height} pixels.`,
    placeHolder: `${Math.round(width / 2)},${Math.round(height / 2)}`,
    validateInput: (value) => (value && !parsePlace(value) ? 'Like 120,80 or 10,10,200,150.' : undefined),
  });
  const place = text ? parsePlace(text) : undefined;
  if (!place) return undefined;
  const { masks } = await engine.segment({ image, ...place, png: true, most: 1 });
  return masks[0] && { ...masks[0], name: 'mask' };
}
