import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fs as disk } from '#host';
import { InputError } from '../../engine/errors.ts';
import { writeError } from '../../engine/files.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import type { AskedRequest } from '../../shared/additions.ts';
import type { GenerateRequest } from '../../shared/api.ts';
import { thumbnailOf } from '../gallery/thumbnail.ts';

/** Number of images that are kept; beyond it the oldest are removed. */
const MOST = 300;

const NAME = /^[0-9a-f]{64}$/;

/**
 * Images that steer others or are seen as prompts, kept so that a form and a recipe can name them. A name is a hash of
 * the file's bytes.
 */
export class KeptPictures {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @returns its name. @throws InputError if it is not an image */
  async keep(bytes: Uint8Array, what: string): Promise<string> {
    const picture = await decodePicture(bytes, what);
    const name = createHash('sha256').update(bytes).digest('hex');
    await disk.mkdir(this.folder).catch((error) => {
      throw writeError(this.folder, error);
    });
    const small = await thumbnailOf(picture);
    await disk.writeAtomically(`${this.#file(name)}.webp`, (writer) => writer.write(small));
    await disk.writeAtomically(this.#file(name), (writer) => writer.write(bytes));
    return name;
  }

  /** @throws InputError if it no longer exists */
  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    if (!NAME.test(name))
      throw new InputError('A control image, reference or region has no name that can be.');
    try {
      return new Uint8Array(await readFile(this.#file(name)));
    } catch (error) {
      throw new InputError('A control image, reference or region is no longer available. Add it again.', {
        cause: error,
      });
    }
  }

  /** Removes the oldest ones beyond `MOST`. */
  async tidy(): Promise<void> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => NAME.test(name));
    if (names.length <= MOST) return;
    const written = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(this.#file(name))).mtimeMs })),
    );
    for (const { name } of written.sort((a, b) => b.at - a.at).slice(MOST)) {
      await rm(this.#file(name), { force: true });
      await rm(`${this.#file(name)}.webp`, { force: true });
    }
  }

  /** A request with the images themselves. @throws InputError if one no longer exists */
  async filled({ controls, references, regions, ...request }: AskedRequest): Promise<GenerateRequest> {
    return { ...request, ...(await this.images({ controls, references, regions })) };
  }

  /** The part of a request that has images. @throws InputError if one no longer exists */
  async images({
    controls = [],
    references = [],
    regions = [],
  }: Pick<AskedRequest, 'controls' | 'references' | 'regions'>): Promise<
    Pick<GenerateRequest, 'controls' | 'references' | 'regions'>
  > {
    const steering = controls.map(async (control) => ({
      ...control,
      image: await this.bytes(control.image),
    }));
    const seen = references.map(async ({ mask, ...reference }) => ({
      ...reference,
      image: await this.bytes(reference.image),
      ...(mask && { mask: await this.bytes(mask) }),
    }));
    const divided = regions.map(async ({ prompt, mask }) => ({ prompt, mask: await this.bytes(mask) }));
    return {
      ...(steering.length > 0 && { controls: await Promise.all(steering) }),
      ...(seen.length > 0 && { references: await Promise.all(seen) }),
      ...(divided.length > 0 && { regions: await Promise.all(divided) }),
    };
  }

  #file(name: string): string {
    return path.join(this.folder, name);
  }
}
