import { commands, env } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import { readPictureUri } from '../editor/pictureFile.ts';
import { showInformation, withStatus } from '../messages.ts';
import { nameOf } from '../readUri.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { pickedPicture } from './picked.ts';

/** *Describe Image*: describes an image in the words of a prompt. */
export async function describeImage(services: Services, asked: unknown): Promise<void> {
  const picture = await pickedPicture(asked, 'Describe Image');
  if (!picture) return;
  const name = nameOf(picture);
  try {
    const image = await readPictureUri(picture);
    const { prompt, sure, source } = await withStatus(`Looking at ${name}`, () =>
      services.engine.describe({ image }),
    );
    if (!prompt) {
      await showInformation(
        `Nothing in ${name} was recognized. Describe Image knows drawings of Scenes only.`,
      );
      return;
    }
    const [copy, generate] = ['Copy', 'Generate Image Like This…'];
    if (!sure) {
      // A guess is not good enough to offer an image of it.
      const guess = `${name} does not look like a drawing of Scenes, the only kind of image that can be described. The best guess is “${prompt}”.`;
      if ((await showInformation(guess, copy)) === copy) await env.clipboard.writeText(prompt);
      return;
    }
    const message = source === 'recipe' ? `${name} was generated from “${prompt}”.` : `${name}: ${prompt}`;
    const choice = await showInformation(message, copy, generate);
    if (choice === copy) await env.clipboard.writeText(prompt);
    if (choice === generate) await commands.executeCommand('patchwork.generateImage', { prompt });
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}
