import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../engine/errors.ts';
import { convertPicture, formatOf } from '../engine/pictures/convert.ts';
import { checkWritable, writePicture } from '../engine/pictures/write.ts';
import type { Recipe } from '../shared/api.ts';

/** An image that was written. */
export interface WrittenFile {
  file: string;
  /** Whether it replaced an existing file. */
  replaced: boolean;
}

/** Where images are written: files that the user has named, or free names in a folder. */
export class Target {
  readonly #output: string | undefined;
  readonly #folder: string;
  readonly #count: number;

  private constructor(output: string | undefined, folder: string, count: number) {
    this.#output = output;
    this.#folder = folder;
    this.#count = count;
  }

  /**
   * @param output as the user gives it: an existing file of that name is replaced, and several images are numbered
   * @param folder of images whose name the user does not give
   * @throws InputError if nothing can be written there
   */
  static async open(output: string | undefined, folder: string, count = 1): Promise<Target> {
    const target = new Target(output, folder, count);
    for (let index = 0; index < count; index++) {
      const named = target.#named(index);
      if (named !== undefined) formatOf(named);
      await checkWritable(named ?? path.join(folder, 'image.png'));
    }
    return target;
  }

  /** Writes an image in the format of its file's ending. @param names for images that the user has not named */
  async write(png: Uint8Array, recipe: Recipe, names: Iterable<string>, index = 0): Promise<WrittenFile> {
    const file = this.#named(index) ?? this.#free(names);
    const replaced = existsSync(file);
    await writePicture(file, await convertPicture(png, formatOf(file), recipe));
    return { file, replaced };
  }

  /** Writes a file's bytes as they are. */
  async writeFile(bytes: Uint8Array, names: Iterable<string>): Promise<WrittenFile> {
    const file = this.#named(0) ?? this.#free(names);
    const replaced = existsSync(file);
    await writePicture(file, bytes);
    return { file, replaced };
  }

  /** `house.png`; for several images `house-1.png`, `house-2.png`, …, padded to the same length. */
  #named(index: number): string | undefined {
    if (this.#output === undefined || this.#count === 1) return this.#output;
    const { dir, name, ext } = path.parse(this.#output);
    const number = String(index + 1).padStart(String(this.#count).length, '0');
    return path.join(dir, `${name}-${number}${ext}`);
  }

  #free(names: Iterable<string>): string {
    for (const name of names) {
      const file = path.join(this.#folder, name);
      if (!existsSync(file)) return file;
    }
    throw new Error(`${this.#folder} has no free name.`);
  }
}

/** @param what the file holds, in the plural. @throws InputError for a file that is no PNG */
export function requirePng(output: string | undefined, what: string): void {
  if (output !== undefined && path.extname(output).toLowerCase() !== '.png')
    throw new InputError(`${path.basename(output)} must end in .png: ${what} are PNG files.`);
}

/** The note about a file that was replaced. */
export function replacedRemark({ replaced }: WrittenFile): string {
  return replaced ? ' (replaced the file that was there)' : '';
}
