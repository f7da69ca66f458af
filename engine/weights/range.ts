import { type FileReader, fs } from '#host';
import { InputError } from '../errors.ts';
import { codeOf } from '../files.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is not a file',
  ENOTREG: 'is not a file',
};

/** Runs `use` with a regular file open for reading; see `fs.open`. */
export async function withFile<Result>(
  file: string,
  use: (reader: FileReader, size: number) => Promise<Result>,
): Promise<Result> {
  let opened = false;
  try {
    return await fs.open(file, (reader) => {
      opened = true;
      return use(reader, reader.size);
    });
  } catch (error) {
    if (opened) throw error;
    const code = codeOf(error) ?? String(error);
    const reason = REASONS[code] ?? `cannot be read (${code})`;
    throw new InputError(`${file} ${reason}.`, { cause: error });
  }
}

/** Reads a range of bytes; the caller has checked it against the file's size. */
export async function readRange(
  reader: FileReader,
  file: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await readInto(reader, file, offset, bytes);
  return bytes;
}

/** Fills `bytes` from a position of the file. @throws InputError if the file has become shorter. */
export async function readInto(
  reader: FileReader,
  file: string,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const read = await reader.read(bytes.subarray(done), offset + done);
    if (read === 0) throw new InputError(`${file} ended early; it was changed while it was read.`);
    done += read;
  }
}
