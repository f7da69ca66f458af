import { fs } from '#host';

/**
 * Writes an image file atomically: on an error the old file is unchanged and no partial file is left.
 * @throws InputError that says why it cannot be written.
 */
export async function writePicture(file: string, png: Uint8Array): Promise<void> {
  await fs.checkWritable(file);
  await fs.writeAtomically(file, (writer) => writer.write(png));
}

/** Checks before the image is computed. @throws InputError if `file` can clearly not be written. */
export function checkWritable(file: string): Promise<void> {
  return fs.checkWritable(file);
}
