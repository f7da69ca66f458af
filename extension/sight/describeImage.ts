import { commands, env, workspace } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import { showInformation, withStatus } from '../messages.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { nameOf, pickedPicture } from './picked.ts';

/** *Describe Image*: says in the words of a prompt what a picture shows. */
export async function describeImage(services: Services, asked: unknown): Promise<void> {
  const picture = await pickedPicture(asked, 'Describe Image');
  if (!picture) return;
  try {
    const image = await workspace.fs.readFile(picture);
    const { prompt, warnings } = await withStatus(`Looking at ${nameOf(picture)}`, () =>
      services.engine.describe({ image }),
    );
    if (!prompt) {
      const known = 'The embedded model knows pictures of Scenes only.';
      await showInformation(`Nothing in ${nameOf(picture)} was recognized. ${known}`);
      return;
    }
    const [copy, generate] = ['Copy', 'Generate Image Like This…'];
    const message = [`${nameOf(picture)}: ${prompt}`, ...warnings].join(' ');
    const choice = await showInformation(message, copy, generate);
    if (choice === copy) await env.clipboard.writeText(prompt);
    if (choice === generate) await commands.executeCommand('patchwork.generateImage', { prompt });
  } catch (error) {
    if (!isAbort(error)) await reportError(services.log, error);
  }
}
