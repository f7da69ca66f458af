import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fs as disk } from '#host';
import { InputError } from '../../engine/errors.ts';
import { writeError } from '../../engine/files.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { isMissing, readError } from '../../engine/read-bytes.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import type { GenerateResult } from '../../shared/api.ts';
import type { GalleryUsage, PictureInfo } from '../../shared/gallery.ts';
import { keptRequest, readStoredPicture } from './storedPicture.ts';
import { thumbnailOf } from './thumbnail.ts';

/** How long deleted images can be restored, in milliseconds. */
const DELETED_KEPT = 30 * 24 * 3600 * 1000;
/** The files of an image: its description, the image, its thumbnail. */
const ENDINGS = ['json', 'png', 'webp'] as const;
type Ending = (typeof ENDINGS)[number];
/** An image's id. Ids come back from pages, and file managers put files of their own into folders. */
const ID = /^[0-9a-f-]{36}$/;

/**
 * All generated images, in a folder of the extension, so that closed views and reloaded windows lose none. An image
 * exists once its JSON file does. Deleted images are kept in a separate folder for a month.
 */
export class Gallery {
  readonly folder: string;
  readonly #limitBytes: () => number;
  readonly #known = new Map<string, PictureInfo>();
  readonly #listeners = new Set<() => void>();

  /** @param limitBytes disk space for images; 0: no limit */
  constructor(folder: string, limitBytes: () => number) {
    this.folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Calls `listener` after each change; returns a function that ends this. */
  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async add(
    request: AskedRequest,
    { picture, ...rest }: GenerateResult,
    more: Pick<PictureInfo, 'asked' | 'batch' | 'upscaled'> = {},
  ): Promise<PictureInfo> {
    const info: PictureInfo = {
      id: randomUUID(),
      created: Date.now(),
      request: keptRequest(request),
      ...rest,
      ...more,
    };
    await made(this.folder);
    try {
      await writeBytes(this.file(info.id), picture.png);
      const thumbnail = await thumbnailOf(await decodePicture(picture.png, 'The image'));
      await writeBytes(this.#file(info.id, 'webp'), thumbnail);
      await this.update(info);
    } catch (error) {
      await this.#remove(info.id, false).catch(() => {});
      throw error;
    }
    // The image is kept, whatever becomes of others; they are removed with the next one.
    await this.tidy().catch(() => {});
    return info;
  }

  async update(info: PictureInfo): Promise<void> {
    await writeBytes(this.#file(info.id, 'json'), new TextEncoder().encode(JSON.stringify(info)));
    this.#known.set(info.id, info);
    this.#changed();
  }

  /** Undefined if it no longer exists or is damaged. */
  async find(id: string): Promise<PictureInfo | undefined> {
    return this.#known.get(id) ?? (await read(this.#file(id, 'json')));
  }

  /** Its PNG file. @throws InputError if it cannot be read */
  async bytes(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.file(id);
    try {
      return new Uint8Array(await readFile(file));
    } catch (error) {
      throw isMissing(error) ? gone(error) : readError(file, error);
    }
  }

  /** The image's PNG file. */
  file(id: string, deleted = false): string {
    return this.#file(id, 'png', deleted);
  }

  /** A small image of it. */
  async thumbnail(id: string, deleted = false): Promise<string> {
    const file = this.#file(id, 'webp', deleted);
    // Images of earlier versions have none.
    return (await disk.exists(file)) ? file : this.#file(id, 'png', deleted);
  }

  /** Newest first. Other windows add images too, so the folder is read each time. */
  async list(): Promise<PictureInfo[]> {
    const ids = await idsIn(this.folder);
    for (const id of this.#known.keys()) if (!ids.includes(id)) this.#known.delete(id);
    await Promise.all(
      ids
        .filter((id) => !this.#known.has(id))
        .map(async (id) => {
          const info = await read(this.#file(id, 'json'));
          if (info && (await disk.exists(this.file(id)))) this.#known.set(id, info);
        }),
    );
    return [...this.#known.values()].sort((a, b) => b.created - a.created);
  }

  /** Deleted images that can be restored, newest first. */
  async deleted(): Promise<PictureInfo[]> {
    const ids = await idsIn(this.#deletedFolder);
    const found = await Promise.all(ids.map((id) => read(this.#file(id, 'json', true))));
    return found.filter((info) => info !== undefined).sort((a, b) => b.created - a.created);
  }

  /** Puts images where `restore` finds them. */
  async delete(ids: readonly string[]): Promise<void> {
    await made(this.#deletedFolder);
    for (const id of ids) {
      await this.#move(id, false);
      this.#known.delete(id);
    }
    this.#changed();
  }

  async restore(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#move(id, true);
    this.#changed();
  }

  /** Removes all images for good; files saved elsewhere stay. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    this.#known.clear();
    this.#changed();
  }

  async usage(): Promise<GalleryUsage> {
    const [kept, deleted] = [await sizesIn(this.folder), await sizesIn(this.#deletedFolder)];
    return {
      images: (await this.list()).length,
      deleted: (await idsIn(this.#deletedFolder)).length,
      bytes: sum([...kept.values(), ...deleted.values()]),
      limitBytes: this.#limitBytes(),
      folder: this.folder,
    };
  }

  /** Removes for good what was deleted long ago and, beyond the limit, deleted images and then the oldest. */
  async tidy(): Promise<void> {
    const folder = this.#deletedFolder;
    for (const id of await idsIn(folder)) {
      // Another window may have removed it.
      const file = await stat(this.#file(id, 'json', true)).catch(() => undefined);
      if (file && Date.now() - file.ctimeMs > DELETED_KEPT) await this.#remove(id, true);
    }
    const limit = this.#limitBytes();
    if (limit <= 0) return;
    const [kept, deleted] = [await sizesIn(this.folder), await sizesIn(folder)];
    let bytes = sum([...kept.values(), ...deleted.values()]);
    const pictures = await this.list();
    const oldest = [
      ...[...deleted.keys()].map((id) => ({ id, gone: true })),
      // The image that was just made stays, however large.
      ...pictures
        .slice(1)
        .reverse()
        .map(({ id }) => ({ id, gone: false })),
    ];
    for (const { id, gone } of oldest) {
      if (bytes <= limit) break;
      bytes -= (gone ? deleted : kept).get(id) ?? 0;
      await this.#remove(id, gone);
    }
  }

  get #deletedFolder(): string {
    return path.join(this.folder, 'deleted');
  }

  async #move(id: string, back: boolean): Promise<void> {
    // The JSON file is moved away first and back last: without it the image does not exist.
    for (const ending of back ? [...ENDINGS].reverse() : ENDINGS) {
      const from = this.#file(id, ending, back);
      if (await disk.exists(from))
        await rename(from, this.#file(id, ending, !back)).catch((error) => {
          throw writeError(from, error);
        });
    }
  }

  async #remove(id: string, deleted: boolean): Promise<void> {
    for (const ending of ENDINGS) await rm(this.#file(id, ending, deleted), { force: true });
    if (deleted) return;
    this.#known.delete(id);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #file(id: string, ending: Ending, deleted = false): string {
    if (!ID.test(id)) throw new Error(`No image has the id ${id}.`);
    return path.join(deleted ? this.#deletedFolder : this.folder, `${id}.${ending}`);
  }
}

/** The error for an image that was removed in the meantime, perhaps by another window. */
export function gone(cause?: unknown): InputError {
  return new InputError('This image is no longer in the gallery.', { cause });
}

/** Makes a folder. @throws InputError that says why it cannot be made */
async function made(folder: string): Promise<void> {
  await disk.mkdir(folder).catch((error) => {
    throw writeError(folder, error);
  });
}

async function writeBytes(file: string, bytes: Uint8Array): Promise<void> {
  await disk.writeAtomically(file, (writer) => writer.write(bytes));
}

async function read(file: string): Promise<PictureInfo | undefined> {
  try {
    return readStoredPicture(await readFile(file), (await stat(file)).mtimeMs);
  } catch {
    return undefined;
  }
}

async function idsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.parse(name).name)
    .filter((id) => ID.test(id));
}

/** Bytes of each image. */
async function sizesIn(folder: string): Promise<Map<string, number>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = new Map<string, number>();
  for (const entry of entries) {
    const { name: id } = path.parse(entry.name);
    if (!entry.isFile() || !ID.test(id)) continue;
    const { size } = await stat(path.join(folder, entry.name)).catch(() => ({ size: 0 }));
    sizes.set(id, (sizes.get(id) ?? 0) + size);
  }
  return sizes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
