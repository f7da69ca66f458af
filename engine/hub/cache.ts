import { fs, path } from '#host';
import { readOptionalText } from '../json.ts';
import { kindOf, type ModelKind, neededFiles } from './selection.ts';
import { indexedFiles, MAX_INDEX_BYTES } from './shards.ts';

/**
 * The layout that all Hugging Face tools share: `models--owner--name/` with `blobs/` by hash, `snapshots/<commit>/`
 * of links to them, and `refs/<branch>` with the branch's commit.
 */
export class RepositoryCache {
  readonly root: string;
  readonly folder: string;

  constructor(cache: string, id: string) {
    this.root = cache;
    this.folder = path.join(cache, `models--${id.replaceAll('/', '--')}`);
  }

  blob(hash: string): string {
    return path.join(this.folder, 'blobs', hash);
  }

  /** File of a blob that is not complete yet. */
  partial(hash: string): string {
    return `${this.blob(hash)}.patchwork-incomplete`;
  }

  lock(hash: string): string {
    return path.join(this.root, '.locks', path.basename(this.folder), `${hash}.patchwork.lock`);
  }

  snapshot(commit: string): string {
    return path.join(this.folder, 'snapshots', commit);
  }

  /**
   * Makes a file of a snapshot stand for what is at `place`: a blob, by a link, or where the system has none, by the
   * file itself; or another snapshot's file, which is copied.
   */
  async point(commit: string, file: string, place: string): Promise<void> {
    const pointer = path.join(this.snapshot(commit), ...file.split('/'));
    if (place === pointer) return;
    await fs.mkdir(path.dirname(pointer));
    if (path.dirname(place) !== path.join(this.folder, 'blobs')) {
      const copy = `${pointer}.patchwork-copy`;
      await fs.copy(place, copy);
      return await fs.rename(copy, pointer);
    }
    // The existing file is not what the hub says, or has been replaced by a blob.
    const leadsThere = (await fs.linkTarget(pointer).catch(() => undefined)) === place;
    if (!leadsThere) await fs.remove(pointer);
    await fs.link(pointer, place);
  }

  /** Records the commit of a branch. */
  async setRef(revision: string, commit: string): Promise<void> {
    const file = path.join(this.folder, 'refs', ...revision.split('/'));
    await fs.mkdir(path.dirname(file));
    await fs.writeAtomically(file, (writer) => writer.write(commit));
  }

  /** Commits of the snapshots in the cache, newest first. */
  async commits(): Promise<string[]> {
    const folder = path.join(this.folder, 'snapshots');
    const names = await fs.readdir(folder).catch((): string[] => []);
    const dated = await Promise.all(
      names.map(async (name) => {
        // The cache is shared. A bad entry of another tool must not hide the others.
        const found = await fs.stat(path.join(folder, name)).catch(() => undefined);
        return found?.isDirectory() ? [{ name, time: found.mtimeMs }] : [];
      }),
    );
    return dated
      .flat()
      .sort((a, b) => b.time - a.time)
      .map(({ name }) => name);
  }

  /** The last known commit of a branch or tag; a commit stands for itself. */
  async commitOf(revision: string): Promise<string> {
    const ref = path.join(this.folder, 'refs', ...revision.split('/'));
    return ((await readOptionalText(ref, 1000).catch(() => undefined)) ?? revision).trim();
  }

  /** Removes files of all snapshots (or everything), and the blobs that nothing refers to any more. */
  async remove(files?: readonly string[]): Promise<void> {
    if (files) {
      for (const commit of await this.commits())
        for (const file of files) await fs.remove(path.join(this.snapshot(commit), ...file.split('/')));
      const kept = new Set<string>();
      for (const commit of await this.commits())
        for (const name of await namesIn(this.snapshot(commit)))
          kept.add(await fs.linkTarget(path.join(this.snapshot(commit), name)).catch(() => ''));
      if (kept.size > 0) {
        const blobs = path.join(this.folder, 'blobs');
        for (const name of await fs.readdir(blobs).catch((): string[] => []))
          if (!kept.has(path.join(blobs, name))) await fs.remove(path.join(blobs, name));
        return;
      }
    }
    await fs.remove(this.folder);
    await fs.remove(path.join(this.root, '.locks', path.basename(this.folder)));
  }
}

/** A repository, or only some of its files. */
export interface Wanted {
  id: string;
  /** The branch, tag or commit that was requested. */
  revision?: string;
  /** The default revision to download if none was requested; `main` if absent. */
  suggested?: string;
  files?: readonly string[];
}

/** A complete model in the cache. */
export interface Snapshot {
  folder: string;
  kind: ModelKind;
  /** The files that Patchwork uses. */
  files: string[];
  bytes: number;
}

/**
 * A complete snapshot of a repository: of the requested revision, or if none was requested of the suggested one, else the
 * newest of `main`, else any. `files`: only these need to be there.
 */
export async function findSnapshot(
  cache: string,
  id: string,
  { revision, suggested = 'main', files }: Omit<Wanted, 'id'> = {},
): Promise<Snapshot | undefined> {
  const repository = new RepositoryCache(cache, id);
  const here = await repository.commits();
  const asked = revision === undefined ? [suggested, 'main'] : [revision];
  const first = await Promise.all(asked.map((name) => repository.commitOf(name)));
  const candidates = [
    ...first.filter((commit) => here.includes(commit)),
    ...(revision === undefined ? here : []),
  ];
  for (const commit of new Set(candidates)) {
    const folder = repository.snapshot(commit);
    const names = await namesIn(folder);
    const kind = files ? 'files' : kindOf(names);
    if (!kind) continue;
    const needed = await Promise.resolve(files ?? names)
      .then(async (all) => {
        const read = (index: string) => readOptionalText(path.join(folder, index), MAX_INDEX_BYTES);
        return neededFiles(kind, all, id, await indexedFiles(kind, all, id, read));
      })
      .catch(() => undefined);
    if (!needed) continue;
    const sizes = await Promise.all(needed.map((name) => sizeOf(path.join(folder, name))));
    if (sizes.includes(undefined)) continue;
    const bytes = (sizes as number[]).reduce((a, b) => a + b, 0);
    return { folder, kind, files: [...needed], bytes };
  }
  return undefined;
}

/** Repositories with at least one file in the cache. */
export async function cachedRepositories(cache: string): Promise<string[]> {
  const names = await fs.readdir(cache).catch((): string[] => []);
  return names.flatMap((name) => /^models--(.+?)--(.+)$/.exec(name)?.slice(1, 3).join('/') ?? []).sort();
}

/** Files below a folder, with slashes; links are followed. */
function namesIn(folder: string): Promise<string[]> {
  return fs.walk(folder).catch((): string[] => []);
}

async function sizeOf(file: string): Promise<number | undefined> {
  return await fs.stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}
