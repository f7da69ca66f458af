import {
  type CustomDocument,
  type CustomDocumentEditEvent,
  EventEmitter,
  type LogOutputChannel,
  type Uri,
} from 'vscode';
import { InputError, messageOf } from '../../engine/errors.ts';
import { encodePicture } from '../../engine/pictures/compose.ts';
import type { PictureFormat } from '../../engine/pictures/metadata.ts';
import { checkPicture, type Picture } from '../../engine/pictures/read.ts';
import { decodeStill, LOSSY_QUALITY, type Rewritten, rewritePicture } from '../../engine/pictures/rewrite.ts';
import { PRECISIONS, type Recipe } from '../../shared/api.ts';
import type { EditCost, EditorHostMessage, EditorState } from '../../shared/editorProtocol.ts';
import { cut, type Patch, paste, wholeOf } from '../../shared/raster.ts';
import { type Backup, backupOf, restoreParts } from './backup.ts';
import { digestOf, formatOf, isReadOnly, nameOf, readPictureUri, writePictureUri } from './pictureFile.ts';
import { type Edit, type Layer, PictureModel } from './pictureModel.ts';
import { canSelect } from './selecting.ts';

/** What is known of a painted edit. */
export interface Painted {
  recipe: Recipe;
  cost: EditCost;
}

/** One page that shows the document. */
export interface Page {
  post(message: EditorHostMessage): void;
}

interface Opened {
  model: PictureModel<Painted>;
  /** The file decoded; its pixels are the model's original. */
  picture: Picture;
}

/** A picture file that is open in one or more editors: its bytes, the model of its edits, and what the pages show. */
export class PictureDocument implements CustomDocument {
  readonly uri: Uri;
  readonly #log: LogOutputChannel;
  readonly #edits = new EventEmitter<CustomDocumentEditEvent<PictureDocument>>();
  readonly #disposals = new EventEmitter<void>();
  readonly #pages = new Set<Page>();
  #state: EditorState;
  /** The bytes that the model was made of. */
  #file: Uint8Array<ArrayBuffer>;
  /** Of the file on the disk as it was last read or written. */
  #disk: string;
  /** The file begins as a picture should; found out while the page is loading. */
  #checked: Promise<void>;
  /** Counts the contents that came from elsewhere: edits of earlier ones cannot be undone. */
  #generation = 0;
  #version = 0;
  #opened: Promise<Opened> | undefined;
  /** The mask at the last save, which a revert comes back to. */
  #savedMask: Patch | undefined;
  #backup: Backup | undefined;

  /** @throws InputError if the file cannot be read. */
  static async open(uri: Uri, log: LogOutputChannel, backup?: Backup): Promise<PictureDocument> {
    const onDisk = readPictureUri(uri);
    const [file, readOnly, selects] = await Promise.all([
      backup ? new Uint8Array(backup.file) : onDisk,
      isReadOnly(uri),
      canSelect(),
    ]);
    const document = new PictureDocument(uri, log, file, { readOnly, canSelect: selects }, backup);
    if (backup) onDisk.then((bytes) => document.#compareWithDisk(bytes)).catch(() => {});
    return document;
  }

  private constructor(
    uri: Uri,
    log: LogOutputChannel,
    file: Uint8Array<ArrayBuffer>,
    { readOnly, canSelect }: Pick<EditorState, 'readOnly' | 'canSelect'>,
    backup?: Backup,
  ) {
    this.uri = uri;
    this.#log = log;
    this.#file = file;
    this.#checked = this.#check();
    this.#backup = backup;
    this.#disk = backup?.disk ?? digestOf(file);
    this.#state = {
      name: nameOf(uri),
      uri: uri.toString(),
      readOnly,
      changedOnDisk: false,
      precisions: PRECISIONS,
      canSelect,
      edited: false,
      measuring: false,
      variations: [],
    };
  }

  readonly onDidEdit = this.#edits.event;
  readonly onDidDispose = this.#disposals.event;

  get state(): EditorState {
    return this.#state;
  }

  /** Counts the changes of the pixels. */
  get version(): number {
    return this.#version;
  }

  /** The bytes that were opened. */
  get file(): Uint8Array<ArrayBuffer> {
    return this.#file;
  }

  /** Decoded when first needed. @throws InputError if the file is no still picture that can be read. */
  async model(): Promise<PictureModel<Painted>> {
    return (await this.#open()).model;
  }

  /** What the picture was last made from: our edit's recipe, or what the file says. */
  async prompt(): Promise<string | undefined> {
    const { model, picture } = await this.#open();
    return (this.#recipe(model) ?? picture.recipe)?.prompt;
  }

  /** The picture as a file for the engine; while nothing is edited the file itself. */
  async encoded(): Promise<Uint8Array> {
    const { model, picture } = await this.#open();
    if (!model.changed) return this.#file;
    return await encodePicture({ ...picture, pixels: model.pixels.data }, this.#recipe(model));
  }

  add(page: Page): void {
    this.#pages.add(page);
  }

  remove(page: Page): void {
    this.#pages.delete(page);
  }

  /**
   * Tells a page that has just been loaded what it shows.
   * @returns whether that were all edits; a file that was not decoded yet is seen first, and then they are told
   * @throws InputError if the file is no picture, or one that is too large for a page
   */
  async tellAll(page: Page): Promise<boolean> {
    await this.#checked;
    const mime = `image/${formatOf(this.uri)}`;
    page.post({ type: 'open', name: this.#state.name, file: this.#file, mime });
    page.post({ type: 'state', state: this.#state });
    if (!this.#opened && !this.#backup) return false;
    await this.tellEdits(page);
    return true;
  }

  /** Tells a page the edits of the file that it shows. */
  async tellEdits(page: Page): Promise<void> {
    const model = await this.model();
    for (const [type, area] of [['pixels', model.changed] as const, ['mask', model.masked] as const])
      if (area) page.post({ type, patch: cut(model[type], area) });
    page.post({ type: 'cost', cost: model.lastPainted?.about?.cost });
  }

  update(change: Partial<EditorState>): void {
    this.#state = { ...this.#state, ...change };
    this.#tell({ type: 'state', state: this.#state });
  }

  notice(notice: string): void {
    this.update({ notice, failure: undefined });
  }

  fail(error: unknown): void {
    this.#log.error(error instanceof Error ? error : String(error));
    this.update({ failure: { message: messageOf(error), settings: error instanceof InputError } });
  }

  tell(message: EditorHostMessage): void {
    this.#tell(message);
  }

  /** Changes the mask or the pixels; VS Code can undo it. `from` has drawn the change already. */
  async change(layer: Layer, label: string, patch: Patch, about?: Painted, from?: Page): Promise<void> {
    const model = await this.model();
    this.#perform(model, model.edit(layer, label, patch, about), from);
  }

  /** Brings back the pixels of the file as far as a coverage says. */
  async restore(coverage: Patch): Promise<void> {
    const model = await this.model();
    const edit = model.restoration('Restore Original', coverage, model.lastPainted?.about);
    if (edit) this.#perform(model, edit);
    // The page shows the original there until it is told what is there.
    else this.#tell({ type: 'pixels', patch: cut(model.pixels, coverage) });
  }

  /** Shows a new cost of the last edit. */
  async costChanged(): Promise<void> {
    const model = await this.model();
    this.#tell({ type: 'cost', cost: model.lastPainted?.about?.cost });
  }

  /**
   * Writes the file in its own format.
   * @param overwrite asks whether a file that has changed on the disk may be replaced
   */
  async save(overwrite: () => Promise<boolean>): Promise<void> {
    if (this.#state.readOnly) throw new InputError(`${this.#state.name} is read-only. Use Save As… instead.`);
    const onDisk = await readPictureUri(this.uri).catch(() => undefined);
    if (onDisk && digestOf(onDisk) !== this.#disk && !(await overwrite()))
      throw new Error(`${this.#state.name} was not saved, because it has changed on the disk.`);
    const { bytes, exact } = await this.#rewritten(formatOf(this.uri));
    await writePictureUri(this.uri, bytes);
    this.#disk = digestOf(bytes);
    const model = await this.model();
    this.#savedMask = cut(model.mask, wholeOf(model));
    this.update({ changedOnDisk: false, failure: undefined, ...noticeOfSaving(this.uri, exact) });
  }

  async saveAs(target: Uri): Promise<void> {
    const { bytes, exact } = await this.#rewritten(formatOf(target));
    await writePictureUri(target, bytes);
    this.update({ failure: undefined, ...noticeOfSaving(target, exact) });
  }

  /** Goes back to the file on the disk, and to the mask as it was then. */
  async revert(): Promise<void> {
    await this.#replace(await readPictureUri(this.uri));
    this.update({ notice: undefined, failure: undefined });
  }

  async backup(): Promise<Uint8Array> {
    const model = await this.model();
    return backupOf(this.#file, this.#disk, model, this.#recipe(model));
  }

  /** Looks whether the file on the disk is another now: an untouched document follows it, others tell the user. */
  async diskChanged(isDirty: boolean): Promise<void> {
    const bytes = await readPictureUri(this.uri).catch(() => undefined);
    if (!bytes || digestOf(bytes) === this.#disk) return;
    if (isDirty) this.#compareWithDisk(bytes);
    else await this.#replace(bytes);
  }

  /** Goes on with what is here; saving replaces what is on the disk. */
  async keepMine(): Promise<void> {
    this.#disk = digestOf(await readPictureUri(this.uri));
    this.update({ changedOnDisk: false });
  }

  dispose(): void {
    this.#disposals.fire();
    this.#disposals.dispose();
    this.#edits.dispose();
  }

  #check(): Promise<void> {
    const checking = checkPicture(this.#file, nameOf(this.uri));
    // Told to the pages that ask; nobody may ever.
    checking.catch(() => {});
    return checking;
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#decode();
    return this.#opened;
  }

  async #decode(): Promise<Opened> {
    const picture = await decodeStill(this.#file, this.#state.name);
    const { width, height, pixels } = picture;
    const model = new PictureModel<Painted>({ width, height, channels: 3, data: new Uint8Array(pixels) });
    if (this.#backup) restoreParts(model, this.#backup);
    if (model.changed) this.update({ edited: true });
    return { model, picture };
  }

  #recipe(model: PictureModel<Painted>): Recipe | undefined {
    return model.lastPainted?.about?.recipe ?? this.#backup?.recipe;
  }

  /** The file with the pixels as they are now. */
  async #rewritten(format: PictureFormat): Promise<Rewritten> {
    const model = await this.model();
    if (!model.changed && format === formatOf(this.uri)) return { bytes: this.#file, exact: true };
    return await rewritePicture(this.#file, model.pixels.data, format, this.#recipe(model));
  }

  #perform(model: PictureModel<Painted>, edit: Edit<Painted> | undefined, from?: Page): void {
    if (!edit) return;
    const generation = this.#generation;
    this.#show(edit, model.do(edit), from);
    this.#edits.fire({
      document: this,
      label: edit.label,
      undo: () => this.#again(edit, 'undo', generation),
      redo: () => this.#again(edit, 'do', generation),
    });
  }

  async #again(edit: Edit<Painted>, direction: 'do' | 'undo', generation: number): Promise<void> {
    const model = await this.model();
    if (generation !== this.#generation || !model.takes(edit)) {
      this.notice('The file has changed on the disk since, so this step cannot be undone.');
      return;
    }
    this.#show(edit, model[direction](edit));
  }

  #show({ layer }: Edit, patch: Patch, except?: Page): void {
    for (const page of this.#pages) if (page !== except) page.post({ type: layer, patch });
    if (layer === 'pixels') void this.#pixelsChanged();
  }

  async #pixelsChanged(): Promise<void> {
    this.#version++;
    const model = await this.model();
    this.update({ edited: model.changed !== undefined });
    this.#tell({ type: 'cost', cost: model.lastPainted?.about?.cost });
  }

  /** Goes on with other bytes of the file, and with the mask of the last save. */
  async #replace(file: Uint8Array<ArrayBuffer>): Promise<void> {
    if (digestOf(file) !== this.#disk) this.#generation++;
    this.#version++;
    this.#file = file;
    this.#checked = this.#check();
    this.#disk = digestOf(file);
    this.#backup = undefined;
    this.#opened = undefined;
    const model = await this.model();
    const mask = this.#savedMask;
    if (mask?.width === model.width && mask.height === model.height) paste(model.mask, mask);
    this.update({ changedOnDisk: false, edited: false, variations: [], failure: undefined });
    for (const page of this.#pages) await this.tellAll(page);
  }

  #compareWithDisk(bytes: Uint8Array): void {
    if (digestOf(bytes) !== this.#disk) this.update({ changedOnDisk: true });
  }

  #tell(message: EditorHostMessage): void {
    for (const page of this.#pages) page.post(message);
  }
}

/** Says what saving did to the pixels that were not edited, where they are not as they were. */
function noticeOfSaving(uri: Uri, exact: boolean): Pick<EditorState, 'notice'> {
  if (exact) return {};
  const name = nameOf(uri);
  const format = { png: undefined, jpeg: 'JPEG', webp: 'WebP' }[formatOf(uri)];
  if (!format) return { notice: `Saved ${name}; its colours were converted to sRGB.` };
  const how = `as ${format} at quality ${LOSSY_QUALITY}, which changes all pixels a little`;
  return { notice: `Saved ${name} ${how}. Save as PNG to keep them exactly.` };
}
