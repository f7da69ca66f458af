import { lstat, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../engine/errors.ts';
import { writeError } from '../engine/files.ts';
import { formatOf } from '../engine/pictures/convert.ts';
import { checkPicture, readPictureFile } from '../engine/pictures/read.ts';
import { writePicture } from '../engine/pictures/write.ts';
import { isMissing, readError } from '../engine/read-bytes.ts';
import { isFilePath } from '../shared/fileNames.ts';
import { isInside } from './inside.ts';

/** An image that was read. */
interface ReadImage {
  /** As agents see it: relative to its folder, with `/`. */
  file: string;
  bytes: Uint8Array;
}

/** Where an image will be written. */
export interface Destination {
  /** A file that the agent names; otherwise the first of `names` that is free, in `beside` or the output folder. */
  output?: string;
  /** Whether `output` may replace a file. */
  overwrite?: boolean;
  names: () => Iterable<string>;
  /** An image in these folders: the new one is written beside it. */
  beside?: string;
}

/** A file that was written. */
interface WrittenImage {
  file: string;
  /** On the disk. */
  path: string;
  replaced: boolean;
}

/**
 * The folders that agents may read and write, with what is below them. No path leads out: not by `..`, not as an
 * absolute path, not through a link.
 */
export class BoundedFolders {
  readonly #roots: readonly string[];
  readonly #output: string;
  readonly #pathOf: (address: string) => string | undefined;

  /**
   * @param roots absolute paths; relative paths start from the first. @param output folder below it for new images
   * @param pathOf the path of an address with another scheme than `file`, if it has one
   */
  constructor(
    roots: readonly string[],
    output = '',
    pathOf: (address: string) => string | undefined = () => undefined,
  ) {
    this.#roots = roots;
    this.#output = output;
    this.#pathOf = pathOf;
  }

  /** @throws InputError if there is no such file, it is outside, or is no image that can be read */
  async read(file: string): Promise<ReadImage> {
    const places = this.#placesOf(file);
    for (const place of places) {
      const real = await this.#existing(place, file);
      if (real === undefined) continue;
      if (!(await lstat(real)).isFile()) throw new InputError(`${file} is not a file.`);
      const bytes = await readPictureFile(real);
      await checkPicture(bytes, file);
      return { file: this.#shown(place), bytes };
    }
    throw new InputError(`There is no file ${file}.`);
  }

  /** Where an image will go, as agents see it, and whether a file exists. @throws InputError as `write` does */
  async find(destination: Destination): Promise<{ file: string; exists: boolean }> {
    const place = await this.#target(destination);
    return { file: this.#shown(place), exists: await isThere(place) };
  }

  /**
   * Writes an image; folders that are missing are made.
   * @throws InputError if it would lie outside, has another ending than those of images, or would replace a file
   * without `overwrite`
   */
  async write(bytes: Uint8Array, destination: Destination): Promise<WrittenImage> {
    const place = await this.#target(destination);
    const replaced = await isThere(place);
    await mkdir(path.dirname(place), { recursive: true }).catch((error: unknown) => {
      throw writeError(destination.output ?? place, error);
    });
    // A link may have been created in the meantime.
    await this.#requireInside(place, destination.output ?? place);
    await writePicture(place, bytes);
    return { file: this.#shown(place), path: place, replaced };
  }

  async #target({ output, overwrite = false, names, beside }: Destination): Promise<string> {
    if (output === undefined) return this.#free(names, beside);
    formatOf(output);
    const place = this.#placesOf(output)[0]!;
    await this.#requireInside(place, output);
    if (!(await isThere(place))) return place;
    if (!(await lstat(await realpath(place))).isFile()) throw new InputError(`${output} is not a file.`);
    if (!overwrite) throw new InputError(`${output} exists. Give another name, or set overwrite to true.`);
    return place;
  }

  async #free(names: Destination['names'], beside: string | undefined): Promise<string> {
    const folder =
      beside === undefined
        ? path.join(this.#roots[0]!, this.#output)
        : path.dirname(await this.#first(this.#placesOf(beside)));
    for (const name of names()) {
      const place = path.join(folder, name);
      if (await isThere(place)) continue;
      await this.#requireInside(place, name);
      return place;
    }
    throw new Error(`${folder} has no free name.`);
  }

  async #first(places: readonly string[]): Promise<string> {
    for (const place of places) if (await isThere(place)) return place;
    return places[0]!;
  }

  /** Where a path may lead: below each root. @throws InputError if that is outside */
  #placesOf(file: string): string[] {
    if (file.includes('\0')) throw new InputError('A path cannot hold a zero character.');
    const given = this.#given(file);
    const inside = placesBelow(this.#roots, given);
    if (inside.length === 0) throw outside(file);
    return inside;
  }

  /** A path as it is, or that of an address. */
  #given(file: string): string {
    const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(file) ?? [];
    if (scheme?.toLowerCase() === 'file') return fileOfUrl(file);
    return (scheme && this.#pathOf(file)) ?? file;
  }

  /** The real path of what exists, undefined if nothing does. @throws InputError if it is outside */
  async #existing(place: string, shown: string): Promise<string | undefined> {
    try {
      const real = await realpath(place);
      if (!(await this.#holds(real))) throw outside(shown);
      return real;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw readError(shown, error);
    }
  }

  /** Follows the links of a path, whose last parts need not exist. @throws InputError if it is outside */
  async #requireInside(place: string, shown: string): Promise<void> {
    for (let known = place; ; known = path.dirname(known)) {
      const real = await realpath(known).catch(() => undefined);
      if (real === undefined) {
        // A link to nothing would be followed by the write.
        if (await isThere(known)) throw outside(shown);
        continue;
      }
      if (!(await this.#holds(real))) throw outside(shown);
      return;
    }
  }

  async #holds(real: string): Promise<boolean> {
    const roots = await Promise.all(this.#roots.map((root) => realpath(root).catch(() => root)));
    return roots.some((root) => isInside(root, real));
  }

  #shown(place: string): string {
    const root = this.#roots.find((root) => isInside(root, place))!;
    return path.relative(root, place).split(path.sep).join('/');
  }
}

function outside(file: string): InputError {
  return new InputError(`${file} is outside the folder that Patchwork may use.`);
}

function fileOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new InputError(`${url} is not the address of a file here.`, { cause: error });
  }
}

/** Where a path may lead, below each root. On Windows, only names that can be files count. */
export function placesBelow(
  roots: readonly string[],
  given: string,
  system: path.PlatformPath = path,
): string[] {
  const places = roots.map((root) => system.resolve(root, given));
  return [...new Set(places)].filter((place) =>
    roots.some(
      (root) =>
        isInside(root, place, system) &&
        (system.sep === '/' ||
          place === root ||
          isFilePath(system.relative(root, place).replaceAll('\\', '/'))),
    ),
  );
}

/** Whether something has this name, a link to nothing included. */
function isThere(place: string): Promise<boolean> {
  return lstat(place).then(
    () => true,
    () => false,
  );
}
