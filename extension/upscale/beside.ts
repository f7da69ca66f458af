import path from 'node:path';
import { commands, Uri, workspace } from 'vscode';
import { describeRemaining, describeRun } from '../../shared/format.ts';
import { derivedNames } from '../../shared/names.ts';
import { withNotification } from '../messages.ts';
import { nameOf } from '../readUri.ts';
import { writeUnderFreeName } from '../save.ts';
import type { Services } from '../services.ts';
import { upscaled, upscaledNotice } from './upscale.ts';

/**
 * Makes an image larger and opens it, in a file beside its own: `lake.larger.png` of `lake.jpg`.
 * @param image its bytes, which may differ from the file's
 * @returns a sentence about it; undefined if no upscaler was chosen
 */
export async function upscaleBeside(
  services: Services,
  file: Uri,
  image: Uint8Array,
): Promise<string | undefined> {
  const name = nameOf(file);
  const result = await upscaled(services, image, name, (work) =>
    withNotification(`Upscaling ${name}`, (signal, tell) =>
      work(signal, (run) => {
        const time = run.remaining === undefined ? '' : ` · ${describeRemaining(run.remaining)}`;
        tell(describeRun(run) + time, (100 * run.step) / Math.max(1, run.steps));
      }),
    ),
  );
  if (!result) return undefined;
  const names = derivedNames(path.parse(name).name, 'larger');
  const target = await writeUnderFreeName(workspace.fs, Uri.joinPath(file, '..'), names, result.picture.png);
  await commands.executeCommand('vscode.open', target);
  return `${upscaledNotice(result.picture, result.seconds)} Saved as ${nameOf(target)}.`;
}
