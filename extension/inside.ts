import { lstat, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isInside } from '../agents/inside.ts';
import { InputError } from '../engine/errors.ts';
import { codeOf } from '../engine/files.ts';

/**
 * Checks that a folder, which need not exist yet, is inside another one also when links on the way are followed.
 * @throws InputError if it leads out
 */
export async function requireInside(folder: string, target: string): Promise<void> {
  const [root, place] = [await realpath(folder), await leadsTo(target)];
  if (!isInside(root, place))
    throw new InputError(
      `${target} is a link that leads out of the workspace, to ${place}; nothing was saved there.`,
    );
}

/** Where a path leads. For a path that does not exist yet, where it would be created. */
async function leadsTo(target: string): Promise<string> {
  try {
    return await realpath(target);
  } catch (error) {
    const parent = path.dirname(target);
    if (codeOf(error) !== 'ENOENT' || parent === target) throw error;
    const itself = await lstat(target).catch(() => undefined);
    // A link to nothing yet, perhaps by further links.
    if (itself?.isSymbolicLink())
      return await leadsTo(path.resolve(await leadsTo(parent), await readlink(target)));
    return path.join(await leadsTo(parent), path.basename(target));
  }
}
