import { InputError } from '../engine/errors.ts';
import { checkPicture, readPictureFile } from '../engine/pictures/read.ts';

type Read<Files> = {
  [Name in keyof Files]: Uint8Array | (undefined extends Files[Name] ? undefined : never);
};

/** The bytes of an image file. @throws InputError if it cannot be read or is no image */
export async function readImage(file: string): Promise<Uint8Array> {
  const bytes = await readPictureFile(file);
  await checkPicture(bytes, file);
  return bytes;
}

/**
 * The bytes of image files; undefined if no file is given.
 * @throws InputError with a sentence for each that is missing or no image
 */
export async function readImages<Files extends Record<string, string | undefined>>(
  files: Files,
): Promise<Read<Files>> {
  const read = await Promise.allSettled(
    Object.entries(files).map(async ([name, file]) => {
      if (file === undefined) return [name, undefined];
      return [name, await readImage(file)];
    }),
  );
  const failed = read.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Error);
  const unexpected = failed.find((error) => !(error instanceof InputError));
  if (unexpected) throw unexpected;
  if (failed.length > 0) throw new InputError(failed.map(({ message }) => message).join(' '));
  return Object.fromEntries(
    read.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
  );
}
