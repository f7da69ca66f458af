import { type FileReader, fs } from '#host';
import { InputError } from './errors.ts';
import { codeOf } from './files.ts';

/** What the operating system's error codes mean when a file is read. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  ENOTREG: 'it is not a regular file',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  ELOOP: 'its links lead nowhere',
  ENAMETOOLONG: 'its name is too long',
};

/** Bytes of the first read from a file whose length is unknown. */
const FIRST_BYTES = 1 << 16;

/**
 * The bytes of a regular file, links followed.
 * @throws InputError if it cannot be read, or has more than `most` bytes, whatever length the system reports.
 */
export async function readBytes(file: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await fs.open(file, (reader) => readAll(reader, file, most));
  } catch (error) {
    throw readError(file, error);
  }
}

/** A failed read of `file` as one sentence for the user; errors that are not the system's are unchanged. */
export function readError(file: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  return new InputError(`Cannot read ${file}: ${REASONS[code] ?? code}.`, { cause: error });
}

async function readAll(reader: FileReader, file: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = (bytes: string) => {
    throw new InputError(
      `${file} is too large to be read: it has ${bytes} bytes, and at most ${most} are read.`,
    );
  };
  if (reader.size > most) tooLong(String(reader.size));
  // One more than there should be shows that a file grows, or that the system reported no length.
  let bytes = new Uint8Array(Math.min(most, reader.size || FIRST_BYTES) + 1);
  let done = 0;
  for (;;) {
    const read = await reader.read(bytes.subarray(done), done);
    if (read === 0) return bytes.subarray(0, done);
    done += read;
    if (done > most) tooLong(`more than ${most}`);
    if (done < bytes.length) continue;
    const larger = new Uint8Array(Math.min(most, 2 * bytes.length) + 1);
    larger.set(bytes);
    bytes = larger;
  }
}

/** Whether reading a file failed because there is none. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error instanceof InputError ? error.cause : error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
