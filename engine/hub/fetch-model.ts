import { fs, hubEnvironment } from '#host';
import { caseTwin } from '../../shared/fileNames.ts';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { readOptionalText } from '../json.ts';
import { fetchBlob } from './blob.ts';
import { findSnapshot, RepositoryCache, type Wanted } from './cache.ts';
import { hubSentence } from './errors.ts';
import { Rate } from './rate.ts';
import { askRepository, type Repository, type RepositoryFile } from './repository.ts';
import { kindOrRefusal, type ModelKind, neededFiles } from './selection.ts';
import type { HubSettings } from './settings.ts';
import { indexedFiles, MAX_INDEX_BYTES } from './shards.ts';
import { isWhole, placeOf } from './verify.ts';

/** What downloading a model would mean; known before anything is downloaded. */
export interface FetchPlan {
  repository: Repository;
  revision: string;
  kind: ModelKind;
  files: RepositoryFile[];
  /** Paths of the files that are on this machine already, complete and with the right hash. */
  here: ReadonlyMap<string, string>;
  /** Size of all required files. */
  bytes: number;
  /** Size of what must still be downloaded. */
  missingBytes: number;
  /** Free space on the cache's disk. */
  freeBytes: number;
}

export interface FetchProgress {
  /** The file that is being downloaded. */
  file: string;
  bytes: number;
  totalBytes: number;
  bytesPerSecond?: number;
  secondsLeft?: number;
}

/** Bytes that must stay free on the disk. */
const MARGIN_BYTES = 200 << 20;
/** Milliseconds between two reports. */
const REPORT_INTERVAL = 200;

/** Asks the hub for a model's files. Downloads nothing but the indexes of sharded weights. */
export async function planFetch(
  settings: HubSettings,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<FetchPlan> {
  const { id, revision = wanted.suggested ?? 'main' } = wanted;
  const repository = await askRepository(settings, id, revision, signal);
  const byPath = new Map(repository.files.map((file) => [file.path, file]));
  const names = wanted.files ?? [...byPath.keys()];
  const kind = wanted.files ? 'files' : kindOrRefusal(names, id);
  const cache = new RepositoryCache(settings.cache, id);
  const fileAt = (name: string) => {
    const file = byPath.get(name);
    if (!file) throw new InputError(`${id} has no ${name} at ${repository.commit}.`);
    return file;
  };
  const read = async (index: string) => {
    const file = fileAt(index);
    if (file.size > MAX_INDEX_BYTES) return undefined;
    await fetchBlob({ settings, cache, repository, file }, { signal }).catch((error: unknown) => {
      throw hubSentence(error, id, settings);
    });
    return await readOptionalText(cache.blob(file.digest.hex), MAX_INDEX_BYTES);
  };
  const indexed = await indexedFiles(kind, names, id, read);
  const needed = neededFiles(kind, names, id, indexed);
  const twins = caseTwin(needed);
  if (twins)
    throw new InputError(
      `${id} has ${twins.join(' and ')}, which are one file on many systems; it is not fetched.`,
    );
  const files = needed.map(fileAt);
  const here = new Map<string, string>();
  let missingBytes = 0;
  for (const file of files) {
    const place = await placeOf(cache, repository.commit, file, signal);
    if (place) here.set(file.path, place);
    else missingBytes += file.size - (await partBytes(cache, file));
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return {
    here,
    repository,
    revision,
    kind,
    files,
    bytes,
    missingBytes,
    freeBytes: await freeBytes(settings.cache),
  };
}

/**
 * Downloads the files of a plan into the cache. An interrupted download is resumed, also after a kill.
 * @returns the model's folder
 * @throws Error in sentences for the user (an InputError if trying again does not help); AbortError when cancelled
 */
export async function fetchModel(
  settings: HubSettings,
  plan: FetchPlan,
  options: { signal?: AbortSignal; onProgress?: (progress: FetchProgress) => void } = {},
): Promise<string> {
  const { repository, revision, files } = plan;
  const { id, commit } = repository;
  checkRoom(settings, plan);
  const cache = new RepositoryCache(settings.cache, id);
  const report = reporter(plan.bytes, options.onProgress);
  let done = 0;
  let fetched = plan.missingBytes < plan.bytes;
  try {
    for (const file of files) {
      const onBytes = (bytes: number) => {
        fetched ||= bytes > 0;
        report(file.path, done + bytes);
      };
      const place = plan.here.get(file.path);
      if (!place) await fetchBlob({ settings, cache, repository, file }, { signal: options.signal, onBytes });
      done += file.size;
      fetched = true;
      report(file.path, done);
      await cache.point(commit, file.path, place ?? cache.blob(file.digest.hex));
    }
    if (revision !== commit) await cache.setRef(revision, commit);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw hubSentence(error, id, settings, fetched);
  }
  return cache.snapshot(commit);
}

/**
 * The folder of an installed model. Undefined if it is not installed, if a file is damaged (all are read to find out), or
 * if the hub must be asked for the current commit of a branch.
 * @throws InputError if a file is damaged and the settings forbid downloads
 */
export async function modelHere(
  settings: HubSettings,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { id, revision } = wanted;
  const moves = revision !== undefined && !/^[0-9a-f]{40}$/.test(revision);
  if (moves && !settings.offline) return undefined;
  const here = await findSnapshot(settings.cache, id, wanted);
  if (!here || (await isWhole(here, signal))) return here?.folder;
  if (settings.offline)
    throw new InputError(
      `A file of ${id} in ${here.folder} is damaged, and HF_HUB_OFFLINE forbids to fetch it again.`,
    );
  return undefined;
}

function checkRoom({ cache }: HubSettings, { missingBytes, freeBytes: free }: FetchPlan): void {
  if (missingBytes > 0 && missingBytes + MARGIN_BYTES > free)
    throw new InputError(hubEnvironment.tooLarge({ cache, free, needed: missingBytes + MARGIN_BYTES }));
}

function reporter(totalBytes: number, onProgress?: (progress: FetchProgress) => void) {
  const rate = new Rate();
  let last = Number.NEGATIVE_INFINITY;
  return (file: string, bytes: number) => {
    const now = performance.now();
    if (now - last < REPORT_INTERVAL && bytes < totalBytes) return;
    last = now;
    rate.add(bytes, now / 1000);
    const bytesPerSecond = rate.perSecond;
    onProgress?.({
      file,
      bytes,
      totalBytes,
      ...(bytesPerSecond && { bytesPerSecond, secondsLeft: (totalBytes - bytes) / bytesPerSecond }),
    });
  };
}

/** Bytes of a file that have arrived so far. */
async function partBytes(cache: RepositoryCache, { digest, size }: RepositoryFile): Promise<number> {
  const part = await fs.stat(cache.partial(digest.hex)).catch(() => undefined);
  return Math.min(part?.size ?? 0, size);
}

/** Free space on the disk of a folder, which may not exist yet. */
async function freeBytes(folder: string): Promise<number> {
  await fs.mkdir(folder).catch((error) => {
    throw writeError(folder, error);
  });
  return fs.freeBytes(folder);
}
