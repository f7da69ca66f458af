import type { Uri } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { alphaOn } from '../../engine/pictures/canvas.ts';
import { encodePicture } from '../../engine/pictures/compose.ts';
import type { PictureFormat } from '../../engine/pictures/metadata.ts';
import type { Picture } from '../../engine/pictures/read.ts';
import { checkStill, decodeStill, lossesOf, rewritePicture } from '../../engine/pictures/rewrite.ts';
import type { Recipe } from '../../shared/api.ts';
import { nameOf } from '../readUri.ts';
import { type Backup, restoreParts } from './backup.ts';
import { editStateOf, isLarge, type Pages } from './pages.ts';
import type { Painted } from './painted.ts';
import { formatOf } from './pictureFile.ts';
import { PictureModel } from './pictureModel.ts';

interface Decoded {
  model: PictureModel<Painted>;
  /** The file decoded; its pixels are the model's original. */
  picture: Picture;
}

/** The bytes of a picture file, and the model of its edits: decoded when first needed. */
export class OpenedFile {
  readonly uri: Uri;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Resolves if the file begins like an image; checked while the page is loading. */
  readonly checked: Promise<void>;
  #backup: Backup | undefined;
  readonly #pages: Pages;
  #decoded: Promise<Decoded> | undefined;

  /** @param backup unsaved edits that the model has from the beginning */
  constructor(uri: Uri, bytes: Uint8Array<ArrayBuffer>, pages: Pages, backup?: Backup) {
    this.uri = uri;
    this.bytes = bytes;
    this.#pages = pages;
    this.#backup = backup;
    this.checked = checkStill(bytes, nameOf(uri));
    // Reported to pages that ask; there may be none.
    this.checked.catch(() => {});
  }

  /** The unsaved edits that the model began with; undefined if they were damaged. */
  get backup(): Backup | undefined {
    return this.#backup;
  }

  get isDecoded(): boolean {
    return this.#decoded !== undefined;
  }

  /** @throws InputError if the file is no still picture that can be read. */
  async model(): Promise<PictureModel<Painted>> {
    return (await this.#decode()).model;
  }

  /** What the image was last made from: our edit's recipe, or the file's. */
  async prompt(): Promise<string | undefined> {
    const { model, picture } = await this.#decode();
    return (recipeOf(model) ?? picture.recipe)?.prompt;
  }

  /** The picture as a file for the engine; while nothing is edited the file itself. */
  async encoded(): Promise<Uint8Array> {
    const { model, picture } = await this.#decode();
    if (!model.changed) return this.bytes;
    const { width, height, data: pixels } = model.pixels;
    const alpha = alphaOn(picture, model.frame);
    return await encodePicture({ width, height, pixels, alpha }, recipeOf(model));
  }

  /** What the file will lose when the image is saved there, in sentences; nothing if its bytes are kept. */
  async losses(target: Uri): Promise<string[]> {
    const format = formatOf(target);
    const { changed } = await this.model();
    return changed || format !== formatOf(this.uri) ? lossesOf(this.bytes, format) : [];
  }

  /** The file with the pixels as they are now. */
  async rewritten(format: PictureFormat): Promise<Uint8Array> {
    const model = await this.model();
    if (!model.changed && format === formatOf(this.uri)) return this.bytes;
    const options = { recipe: recipeOf(model), frame: model.frame };
    return (await rewritePicture(this.bytes, model.pixels.data, format, options)).bytes;
  }

  /** The error for a file that the browser cannot decode. */
  unreadable(): InputError {
    const format = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' }[formatOf(this.uri)];
    return new InputError(
      `${nameOf(this.uri)} is not a readable ${format} (it may be damaged or another format).`,
    );
  }

  #decode(): Promise<Decoded> {
    this.#decoded ??= this.#decodeNow();
    return this.#decoded;
  }

  async #decodeNow(): Promise<Decoded> {
    const picture = await decodeStill(this.bytes, nameOf(this.uri));
    const { width, height, pixels } = picture;
    const model = new PictureModel<Painted>({ width, height, channels: 3, data: new Uint8Array(pixels) });
    if (this.#backup) await this.#restore(model, this.#backup);
    this.#pages.update(editStateOf(model));
    const losses = await lossesOf(this.bytes, formatOf(this.uri));
    this.#pages.update({
      losses: losses.length > 0 ? losses.join(' ') : undefined,
      madeFrom: picture.recipe?.prompt || undefined,
      large: isLarge(model),
    });
    return { model, picture };
  }

  /** A damaged backup must not keep the file from being opened. */
  async #restore(model: PictureModel<Painted>, backup: Backup): Promise<void> {
    try {
      await restoreParts(model, backup);
    } catch (error) {
      this.#backup = undefined;
      this.#pages.fail(error);
    }
  }
}

function recipeOf(model: PictureModel<Painted>): Recipe | undefined {
  return model.lastPainted?.about?.recipe;
}
