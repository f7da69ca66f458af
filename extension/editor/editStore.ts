import { type FileSystem, FileType, Uri } from 'vscode';
import { makeFolder, type SaveFileSystem, writeAtomically } from '../save.ts';

/** Bounds of what is kept; the oldest is removed first. */
const MOST = { files: 40, bytes: 200e6 };

/** The edits of files that were saved, found again by what the files hold, so that they are listed when one is opened. */
export class EditStore {
  readonly #fs: SaveFileSystem & Pick<FileSystem, 'readFile' | 'readDirectory'>;
  readonly #folder: Uri;

  constructor(fs: SaveFileSystem & Pick<FileSystem, 'readFile' | 'readDirectory'>, folder: Uri) {
    this.#fs = fs;
    this.#folder = folder;
  }

  /** @param digest of the file as it was saved */
  async keep(digest: string, edits: Uint8Array): Promise<void> {
    await makeFolder(this.#fs, this.#folder);
    await writeAtomically(this.#fs, this.#place(digest), edits, { overwrite: true });
    await this.#prune();
  }

  async find(digest: string): Promise<Uint8Array | undefined> {
    return await this.#fs.readFile(this.#place(digest)).then(undefined, () => undefined);
  }

  #place(digest: string): Uri {
    return Uri.joinPath(this.#folder, `${digest}.edits`);
  }

  async #prune(): Promise<void> {
    const names = (await this.#fs.readDirectory(this.#folder)).filter(([, type]) => type === FileType.File);
    const files = await Promise.all(
      names.map(async ([name]) => {
        const place = Uri.joinPath(this.#folder, name);
        const { mtime, size } = await this.#fs.stat(place);
        return { place, mtime, size };
      }),
    );
    let bytes = 0;
    for (const [i, { place, size }] of files.sort((a, b) => b.mtime - a.mtime).entries()) {
      bytes += size;
      if (i >= MOST.files || bytes > MOST.bytes) await this.#fs.delete(place).then(undefined, () => {});
    }
  }
}
