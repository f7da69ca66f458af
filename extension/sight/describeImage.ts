import { commands, env } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import type { DescribeResult } from '../../shared/api.ts';
import { showInformation, withStatus } from '../messages.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { pickedPicture, withPicked } from './picked.ts';

/** *Describe Image*: describes an image in the words of a prompt. */
export async function describeImage(services: Services, asked: unknown): Promise<void> {
  const picture = await pickedPicture(asked, 'Describe Image');
  if (!picture) return;
  try {
    await withPicked(picture, async (image, name) => {
      const described = await withStatus(`Looking at ${name}`, () => services.engine.describe({ image }));
      await showDescription(name, described);
    });
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}

async function showDescription(name: string, { prompt, sure, source }: DescribeResult): Promise<void> {
  if (!prompt) {
    await showInformation(`Nothing in ${name} was recognized. Describe Image knows drawings of Scenes only.`);
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
}
