/** The part of node:fs/promises that the extension uses, over the file system of a browser. There are no links. */
import { fs } from '#host';

export const { realpath, rename, stat } = fs;
export const lstat = fs.stat;

export async function mkdir(folder: string): Promise<void> {
  await fs.mkdir(folder);
}

export async function rm(place: string): Promise<void> {
  await fs.remove(place);
}

export async function readFile(file: string): Promise<Uint8Array> {
  return fs.open(file, async (reader) => {
    const bytes = new Uint8Array(reader.size);
    await reader.read(bytes, 0);
    return bytes;
  });
}

export async function readdir(folder: string, options?: { withFileTypes?: boolean }) {
  const names = await fs.readdir(folder);
  if (!options?.withFileTypes) return names;
  return Promise.all(
    names.map(async (name) => {
      const { isFile, isDirectory } = await fs.stat(`${folder}/${name}`);
      return { name, isFile, isDirectory };
    }),
  );
}

export async function access(file: string): Promise<void> {
  await fs.stat(file);
}

export async function readlink(file: string): Promise<string> {
  throw Object.assign(new Error(`EINVAL: ${file} is no link`), { code: 'EINVAL' });
}
