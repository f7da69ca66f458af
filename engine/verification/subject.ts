import { fs, path } from '#host';
import { InputError } from '../errors.ts';
import { placedIn } from '../models/layout.ts';
import type { FileParts } from '../models/single-file/file-parts.ts';
import { isFile, readSingleFile } from '../models/single-file/layout.ts';
import { denoiserFolder, type NetworkFolder, weightStem } from '../weights/diffusers.ts';
import type { FindNetwork, Subject } from './checkpoint.ts';

/** A checkpoint to verify; `averaged`: with the averaged weights of training, where a file has them. */
interface FoundSubject extends Subject {
  averaged?: FindNetwork;
}

/** Names of a single file and of what it lacks in a folder of references. */
const CHECKPOINT = /^checkpoint\.\w+$/;
const AUTOENCODER = /^vae-only\.\w+$/;

/**
 * What is at a place: a folder in the diffusers layout, a single file, or a folder with a single file named
 * `checkpoint`.
 */
export async function subjectAt(place: string, options: FileParts): Promise<FoundSubject> {
  const root = path.resolve(place);
  if (await isFile(root)) return fileSubject(path.dirname(root), root, options);
  const names = await fs.readdir(root).catch((): string[] => []);
  const file = names.find((name) => CHECKPOINT.test(name));
  if (file === undefined) {
    return {
      root,
      denoiser: denoiserFolder(names),
      find: (folder) => placedIn(path.join(root, folder), weightStem(folder)),
    };
  }
  const own = names.find((name) => AUTOENCODER.test(name));
  const vae = options.vae ?? (own && path.join(root, own));
  return fileSubject(root, path.join(root, file), { ...options, ...(vae && { vae }) });
}

async function fileSubject(root: string, file: string, options: FileParts): Promise<FoundSubject> {
  const { networks } = await readSingleFile(file, options);
  const averaged = await readSingleFile(file, { ...options, averaged: true }).catch(() => undefined);
  const finder =
    (from: typeof networks): FindNetwork =>
    async (folder) => {
      const placed = from.get(folder as NetworkFolder);
      if (!placed) throw new InputError(`${file} has no ${folder}.`);
      return placed;
    };
  return {
    root,
    denoiser: denoiserFolder(networks.keys()),
    find: finder(networks),
    ...(averaged && { averaged: finder(averaged.networks) }),
  };
}
