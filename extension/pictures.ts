import { randomUUID } from 'node:crypto';
import { type FileSystem, Uri } from 'vscode';
import type { GenerateRequest, GenerateResult } from '../shared/api.ts';
import type { PictureInfo } from '../shared/viewProtocol.ts';
import { writeAtomically } from './save.ts';
import { keptRequest, readStoredPicture } from './storedPicture.ts';

/** How many pictures are kept for the views to restore. */
const KEPT = 200;

/** Pictures that views show, kept in the extension's own storage so that they outlive the window. */
export class PictureStore {
  readonly #fs: FileSystem;
  readonly #folder: Uri;

  constructor(fs: FileSystem, storage: Uri) {
    this.#fs = fs;
    this.#folder = Uri.joinPath(storage, 'pictures');
  }

  async add(request: GenerateRequest, { picture, ...rest }: GenerateResult): Promise<PictureInfo> {
    const info: PictureInfo = { id: randomUUID(), request: keptRequest(request), ...rest };
    await this.#fs.createDirectory(this.#folder);
    await writeAtomically(this.#fs, this.#file(info.id, 'png'), picture.png);
    await this.update(info);
    return info;
  }

  async update(info: PictureInfo): Promise<void> {
    const json = new TextEncoder().encode(JSON.stringify(info));
    await writeAtomically(this.#fs, this.#file(info.id, 'json'), json, { overwrite: true });
  }

  /** Undefined if it is not kept any more, or is damaged. */
  async find(id: string): Promise<PictureInfo | undefined> {
    try {
      return readStoredPicture(await this.#fs.readFile(this.#file(id, 'json')));
    } catch {
      return undefined;
    }
  }

  async bytes(id: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#fs.readFile(this.#file(id, 'png')));
  }

  /** Removes all but the newest pictures. */
  async prune(): Promise<void> {
    const files = await this.#fs.readDirectory(this.#folder).then(undefined, () => []);
    const ids = files.map(([name]) => name).filter((name) => name.endsWith('.json'));
    if (ids.length <= KEPT) return;
    const dated = await Promise.all(
      ids.map(async (name) => {
        const { mtime } = await this.#fs
          .stat(Uri.joinPath(this.#folder, name))
          .then(undefined, () => ({ mtime: 0 }));
        return { id: name.replace(/\.json$/, ''), mtime };
      }),
    );
    dated.sort((a, b) => b.mtime - a.mtime);
    // One that is gone already must not keep the others.
    for (const { id } of dated.slice(KEPT).filter(({ id }) => isId(id)))
      for (const extension of ['json', 'png'] as const)
        await this.#fs.delete(this.#file(id, extension)).then(undefined, () => {});
  }

  #file(id: string, extension: 'png' | 'json'): Uri {
    // Ids come back from pages.
    if (!isId(id)) throw new Error(`No picture has the id ${id}.`);
    return Uri.joinPath(this.#folder, `${id}.${extension}`);
  }
}

function isId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}
