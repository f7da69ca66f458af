import type { ReadResource } from './resource-store.ts';
import { fileError } from './store.ts';

/** How the build has packed a file of the embedded models for the web (scripts/webModels.mjs). */
interface PackedFile {
  /** Unpacked. */
  bytes: number;
  /** The file with the same contents, if it is there once for several. */
  file?: string;
  /** The bytes at even places come first, then those at odd ones: numbers of 16 bits compress better so. */
  halves?: boolean;
}

/** By path. */
export type PackedIndex = Readonly<Record<string, PackedFile>>;

/** path → bytes. */
export function unpackedSizes(index: PackedIndex): Record<string, number> {
  return Object.fromEntries(Object.entries(index).map(([place, { bytes }]) => [place, bytes]));
}

/** The files that images of a model need, without the adapters of its plans for small budgets. */
export function filesForImages(index: PackedIndex, model: string): string[] {
  return Object.keys(index).filter(
    (place) => place.startsWith(`${model}/`) && !place.startsWith(`${model}/budget/`),
  );
}

/** Reads files as they were before they were packed. @param read a packed file */
export function unpacking(index: PackedIndex, read: ReadResource): ReadResource {
  return async (place) => {
    const entry = index[place];
    if (!entry) throw fileError('ENOENT', place);
    const bytes = await read(entry.file ?? place);
    return entry.halves ? joined(bytes) : bytes;
  };
}

function joined(halves: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(halves.length);
  const half = Math.ceil(halves.length / 2);
  for (let i = 0; i < half; i++) bytes[2 * i] = halves[i]!;
  for (let i = half; i < halves.length; i++) bytes[2 * (i - half) + 1] = halves[i]!;
  return bytes;
}
