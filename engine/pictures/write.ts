import { fs } from '#host';

/**
 * Writes a picture's file in one piece: on an error the file is as it was before, and nothing partial is left.
 * @throws InputError saying why it could not be written.
 */
export async function writePicture(file: string, png: Uint8Array): Promise<void> {
  await fs.checkWritable(file);
  await fs.writeAtomically(file, (writer) => writer.write(png));
}

/** Fails early, before a picture is computed for it. @throws InputError if `file` can clearly not be written. */
export function checkWritable(file: string): Promise<void> {
  return fs.checkWritable(file);
}
