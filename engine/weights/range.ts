import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { codeOf } from '../files.ts';

/** Runs `use` with a regular file open for reading; anything else could block or have no end. */
export async function withFile<Result>(
  file: string,
  use: (handle: FileHandle, size: number) => Promise<Result>,
): Promise<Result> {
  let handle: FileHandle;
  try {
    if (!(await stat(file)).isFile()) throw new InputError(`${file} is not a file.`);
    handle = await open(file, 'r');
  } catch (error) {
    if (error instanceof InputError) throw error;
    const reason =
      codeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${codeOf(error) ?? error})`;
    throw new InputError(`${file} ${reason}.`, { cause: error });
  }
  try {
    return await use(handle, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

/** Bytes of a range that the caller has checked against the file's size. */
export async function readRange(
  handle: FileHandle,
  file: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readInto(handle, file, offset, bytes);
  return bytes;
}

/** Fills `bytes` from a position of the file. @throws InputError if the file has become shorter. */
export async function readInto(
  handle: FileHandle,
  file: string,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const length = Math.min(bytes.length - done, 1 << 30);
    const { bytesRead } = await handle.read(bytes, done, length, offset + done);
    if (bytesRead === 0) throw new InputError(`${file} ended early; it was changed while it was read.`);
    done += bytesRead;
  }
}
