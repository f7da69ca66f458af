import { fs } from '#host';
import { InputError } from '../errors.ts';
import { type FileVersion, SEAL, type StoredTensor } from './source.ts';

/** @throws InputError if there is no such file any more */
export async function versionOf(file: string): Promise<FileVersion> {
  try {
    const { size, mtimeMs } = await fs.stat(file);
    return { file, size, mtimeMs };
  } catch (error) {
    throw new InputError(
      `${file} was removed, or cannot be read any more, while it was in use; get the model again.`,
      { cause: error },
    );
  }
}

/** The tensors of a file, which know its version from here on. */
export function inVersion(
  tensors: ReadonlyMap<string, StoredTensor>,
  { file, size, mtimeMs }: FileVersion,
): Map<string, StoredTensor> {
  const version = tensors.has(SEAL) ? { file, size } : { file, size, mtimeMs };
  return new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, version }]));
}

/** The files of some tensors, each once. */
export function versionsOf(tensors: Iterable<StoredTensor>): FileVersion[] {
  const versions = new Set<FileVersion>();
  for (const { version } of tensors) if (version) versions.add(version);
  return [...versions];
}

/**
 * Weights are read by their place in the file, long after its header: in another file there would be other numbers.
 * @throws InputError naming the first file that is gone or is not what was opened
 */
export async function requireUnchanged(versions: Iterable<FileVersion>): Promise<void> {
  const checks = await Promise.allSettled([...versions].map(checkUnchanged));
  for (const check of checks) if (check.status === 'rejected') throw check.reason;
}

async function checkUnchanged({ file, size, mtimeMs }: FileVersion): Promise<void> {
  const now = await versionOf(file);
  if (now.size !== size || (mtimeMs !== undefined && now.mtimeMs !== mtimeMs))
    throw new InputError(
      `${file} was changed while it was in use; start again when it is complete, or get the model again.`,
    );
}
