import {
  type CustomDocument,
  type CustomDocumentEditEvent,
  EventEmitter,
  type LogOutputChannel,
  type Uri,
} from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { alphaOn } from '../../engine/pictures/canvas.ts';
import { encodePicture } from '../../engine/pictures/compose.ts';
import type { PictureFormat } from '../../engine/pictures/metadata.ts';
import type { Picture } from '../../engine/pictures/read.ts';
import {
  checkStill,
  decodeStill,
  lossesOf,
  type Rewritten,
  rewritePicture,
} from '../../engine/pictures/rewrite.ts';
import { PRECISIONS, type Recipe } from '../../shared/api.ts';
import type { EditorHostMessage, EditorState } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import { cut, type Patch, paste, type Raster, sameArea, wholeOf } from '../../shared/raster.ts';
import { nameOf } from '../readUri.ts';
import { failureOf } from '../report.ts';
import { type Backup, backupOf, restoreParts } from './backup.ts';
import { canSelect } from './canSelect.ts';
import { rowOf, thumbnailOf } from './editList.ts';
import type { Painted } from './painted.ts';
import { digestOf, formatOf, isReadOnly, readPictureUri, writePictureUri } from './pictureFile.ts';
import { type Canvas, type ListedEdit, type Painting, PictureModel, type Step } from './pictureModel.ts';

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
  #disk: Promise<string>;
  /** Whether the file begins like an image; checked while the page is loading. */
  #checked: Promise<void>;
  /** Counts the files that the model was made of: steps of earlier models cannot be undone. */
  #generation = 0;
  #version = 0;
  #opened: Promise<Opened> | undefined;
  /** The mask at the last save, which a revert restores. */
  #savedMask: Patch | undefined;
  #backup: Backup | undefined;
  /** The steps that are done, and those that were taken back, the next to be done again last. */
  readonly #done: Step<Painted>[] = [];
  readonly #undone: Step<Painted>[] = [];
  /** How many steps were done at the last save; undefined once that state is out of reach. */
  #savedAt: number | undefined = 0;
  /** The mask belongs to an edit that is under way: new strokes begin another mask. */
  #maskTaken = false;
  #masksTaken = 0;
  /** The edits that the pages have pictures of. */
  #drawn = new Set<string>();

  /** @throws InputError if the file cannot be read. */
  static async open(uri: Uri, log: LogOutputChannel, backup?: Backup): Promise<PictureDocument> {
    const onDisk = readPictureUri(uri);
    const [file, readOnly, selects] = await Promise.all([
      backup ? new Uint8Array(backup.file) : onDisk,
      isReadOnly(uri),
      canSelect(),
    ]);
    const document = new PictureDocument(uri, log, file, { readOnly, canSelect: selects }, backup);
    if (backup)
      onDisk
        .then(async (bytes) => {
          if (await document.#isAnother(bytes)) document.update({ changedOnDisk: true });
        })
        .catch(() => {});
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
    this.#disk = backup ? Promise.resolve(backup.disk) : digestOf(file);
    this.#state = {
      name: nameOf(uri),
      uri: uri.toString(),
      readOnly,
      changedOnDisk: false,
      precisions: PRECISIONS,
      canSelect,
      edited: false,
      canUndo: false,
      canRedo: false,
      canReselect: false,
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

  /** What the image was last made from: our edit's recipe, or the file's. */
  async prompt(): Promise<string | undefined> {
    const { model, picture } = await this.#open();
    return (recipeOf(model) ?? picture.recipe)?.prompt;
  }

  /** The picture as a file for the engine; while nothing is edited the file itself. */
  async encoded(): Promise<Uint8Array> {
    const { model, picture } = await this.#open();
    if (!model.changed) return this.#file;
    const { width, height, data: pixels } = model.pixels;
    const alpha = alphaOn(picture, model.frame);
    return await encodePicture({ width, height, pixels, alpha }, recipeOf(model));
  }

  /** A copy of the picture as it is now, for the engine. @param without an edit to leave out */
  async canvas(without?: string): Promise<Canvas> {
    return (await this.model()).canvas(without);
  }

  add(page: Page): void {
    this.#pages.add(page);
  }

  remove(page: Page): void {
    this.#pages.delete(page);
  }

  /**
   * Sends the whole state to a page that has just been loaded.
   * @returns whether the edits were included; if the file is not decoded yet, it is shown first and the edits follow
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

  /** Sends a page the edits of its file. */
  async tellEdits(page: Page): Promise<void> {
    const model = await this.model();
    if (model.extended) page.post({ type: 'frame', frame: model.frame });
    for (const [type, area] of [['pixels', model.changed] as const, ['mask', model.masked] as const])
      if (area) page.post({ type, patch: cut(model[type], area) });
    for (const edit of model.edits) page.post(thumbnailOf(edit));
    page.post({ type: 'edits', edits: model.edits.map(rowOf) });
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
    this.update({ failure: failureOf(error) });
  }

  /** The error for a file that the browser cannot decode. */
  unreadable(): InputError {
    const format = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' }[formatOf(this.uri)];
    return new InputError(
      `${this.#state.name} is not a readable ${format} (it may be damaged or another format).`,
    );
  }

  tell(message: EditorHostMessage): void {
    this.#tell(message);
  }

  /** Changes the mask; VS Code can undo it. `from` has drawn the change already. */
  async changeMask(label: string, patch: Patch, from?: Page): Promise<void> {
    const model = await this.model();
    this.#maskTaken = false;
    this.#perform(model, model.masking(label, patch), from);
  }

  /** Puts a painted result over the picture. @returns whether that changes a pixel */
  async paint(painting: Painting<Painted>): Promise<boolean> {
    const model = await this.model();
    const step = model.painting(painting);
    this.#perform(model, step);
    return step !== undefined;
  }

  /** Brings back the pixels of the file as far as a coverage says. */
  async restore(coverage: Patch): Promise<void> {
    const model = await this.model();
    const step = model.restoring('Restore Original', coverage);
    if (step) this.#perform(model, step);
    // The page shows the original there until it gets the new pixels.
    else this.#tell({ type: 'pixels', patch: cut(model.pixels, coverage) });
  }

  /** Shows the edits that pass a test, and hides the others. */
  async showEdits(
    label: string,
    isShown: (edit: ListedEdit<Painted>, index: number) => boolean,
  ): Promise<void> {
    const model = await this.model();
    this.#perform(model, model.showing(label, isShown));
  }

  /** @throws Error if no edit has this id */
  async edit(id: string): Promise<ListedEdit<Painted>> {
    const edit = (await this.model()).edits.find((each) => each.id === id);
    if (!edit) throw new Error('This edit is not in the list any more.');
    return edit;
  }

  /** Restores the mask that an edit was painted with, or the last one that has a mask. */
  async reselect(id?: string): Promise<void> {
    const model = await this.model();
    const edit = id ? await this.edit(id) : model.edits.findLast(({ mask }) => mask);
    const mask = edit && model.maskOf(edit);
    if (!mask) return;
    const patch = { ...wholeOf(model), data: new Uint8Array(model.width * model.height) };
    paste({ ...model.mask, data: patch.data }, mask);
    await this.changeMask('Reselect', patch);
  }

  /** Lends the mask to an edit: until it is released, new strokes begin another mask. */
  async takeMask(): Promise<Raster> {
    const { mask } = await this.model();
    this.#maskTaken = true;
    this.update({ maskTaken: ++this.#masksTaken });
    return { ...mask, data: mask.data.slice() };
  }

  releaseMask(): void {
    this.#maskTaken = false;
    this.update({ maskTaken: undefined });
  }

  /** The mask that a selection is added to: an empty one while an edit has it. */
  async maskToChange(): Promise<Raster> {
    const { mask } = await this.model();
    return this.#maskTaken ? { ...mask, data: new Uint8Array(mask.data.length) } : mask;
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
    if (onDisk && (await this.#isAnother(onDisk)) && !(await overwrite()))
      throw new Error(`${this.#state.name} was not saved, because it has changed on disk.`);
    const losses = await this.#losses(this.uri);
    const { bytes } = await this.#rewritten(formatOf(this.uri));
    await writePictureUri(this.uri, bytes);
    this.#disk = digestOf(bytes);
    const model = await this.model();
    this.#savedMask = cut(model.mask, wholeOf(model));
    this.#savedAt = this.#done.length;
    this.update({ changedOnDisk: false, failure: undefined });
    if (losses.length > 0) this.notice([`Saved ${this.#state.name}.`, ...losses].join(' '));
  }

  /** @returns what the new file does not keep, in sentences, and its digest */
  async saveAs(target: Uri): Promise<{ losses: string[]; disk: string }> {
    const losses = await this.#losses(target);
    const { bytes } = await this.#rewritten(formatOf(target));
    await writePictureUri(target, bytes);
    this.update({ failure: undefined });
    return { losses, disk: await digestOf(bytes) };
  }

  /** Goes back to the file on the disk, and to the mask as it was then. */
  async revert(): Promise<void> {
    await this.#replace(await readPictureUri(this.uri));
    this.update({ notice: undefined, failure: undefined });
  }

  async backup(): Promise<Uint8Array> {
    const model = await this.model();
    // VS Code considers a document unchanged once all steps that it knows are undone, so it gets the later ones.
    const steps = this.#savedAt === undefined ? [] : this.#done.slice(this.#savedAt);
    return backupOf({ file: this.#file, disk: await this.#disk, model, steps });
  }

  /**
   * What lists the edits again when the file that was saved is opened. Undefined if there are none, or the file does
   * not keep the pixels exactly.
   * @param disk digest of the file
   */
  async editsOf(file: Uri, disk: string): Promise<Uint8Array | undefined> {
    const model = await this.model();
    if (model.edits.length === 0 || (await this.#losses(file)).length > 0) return undefined;
    return backupOf({ file: this.#file, disk, model, layers: ['pixels'], steps: [] });
  }

  /** Digest of the file on the disk as it was last read or written. */
  get disk(): Promise<string> {
    return this.#disk;
  }

  /** Tells VS Code the steps that were done before a reload of the window, so that they can be undone. */
  async resumeSteps(): Promise<void> {
    if (!this.#backup?.steps.length) return;
    await this.model();
    for (const step of this.#backup?.steps ?? []) this.#record(step);
  }

  /** Checks whether the file on disk has changed. An unmodified document follows it; others inform the user. */
  async diskChanged(isDirty: boolean): Promise<void> {
    const bytes = await readPictureUri(this.uri).catch(() => undefined);
    if (!bytes || !(await this.#isAnother(bytes))) return;
    if (isDirty) this.update({ changedOnDisk: true });
    else await this.#replace(bytes);
  }

  /** Keeps the editor's version; saving will overwrite the file. */
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
    const checking = checkStill(this.#file, nameOf(this.uri));
    // Sent to pages that ask; none may ever do.
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
    if (this.#backup) this.#restore(model, this.#backup);
    this.update({ edited: model.changed !== undefined, canReselect: model.edits.some(({ mask }) => mask) });
    const losses = await lossesOf(this.#file, formatOf(this.uri));
    this.update({
      losses: losses.length > 0 ? losses.join(' ') : undefined,
      madeFrom: picture.recipe?.prompt || undefined,
      large: isLarge(model),
    });
    return { model, picture };
  }

  /** A damaged backup must not keep the file from being opened. */
  #restore(model: PictureModel<Painted>, backup: Backup): void {
    try {
      restoreParts(model, backup);
    } catch (error) {
      this.#backup = undefined;
      this.fail(error);
    }
  }

  /** What the file will lose when the image is saved there; nothing if its bytes are kept. */
  async #losses(target: Uri): Promise<string[]> {
    const format = formatOf(target);
    const { changed } = await this.model();
    return changed || format !== formatOf(this.uri) ? lossesOf(this.#file, format) : [];
  }

  /** The file with the pixels as they are now. */
  async #rewritten(format: PictureFormat): Promise<Pick<Rewritten, 'bytes'>> {
    const model = await this.model();
    if (!model.changed && format === formatOf(this.uri)) return { bytes: this.#file };
    return await rewritePicture(this.#file, model.pixels.data, format, {
      recipe: recipeOf(model),
      frame: model.frame,
    });
  }

  #perform(model: PictureModel<Painted>, step: Step<Painted> | undefined, from?: Page): void {
    if (!step) return;
    // A saved state that was left behind is out of reach.
    if (this.#savedAt !== undefined && this.#savedAt > this.#done.length) this.#savedAt = undefined;
    this.#undone.length = 0;
    this.#show(model, step, 'do', from);
    this.#record(step);
  }

  /** Records a step and reports it to VS Code. */
  #record(step: Step<Painted>): void {
    const generation = this.#generation;
    this.#done.push(step);
    this.#tellSteps();
    this.#edits.fire({
      document: this,
      label: step.label,
      undo: () => this.#again(step, 'undo', generation),
      redo: () => this.#again(step, 'do', generation),
    });
  }

  async #again(step: Step<Painted>, direction: 'do' | 'undo', generation: number): Promise<void> {
    const model = await this.model();
    if (generation !== this.#generation) {
      this.notice('The file was loaded again since, so this step cannot be undone.');
      return;
    }
    const [from, to] = direction === 'undo' ? [this.#done, this.#undone] : [this.#undone, this.#done];
    to.push(...from.splice(from.lastIndexOf(step), 1));
    this.#tellSteps();
    this.#show(model, step, direction);
  }

  #tellSteps(): void {
    this.update({ canUndo: this.#done.length > 0, canRedo: this.#undone.length > 0 });
  }

  #show(model: PictureModel<Painted>, step: Step<Painted>, direction: 'do' | 'undo', except?: Page): void {
    const { frame } = model;
    const changed = model[direction](step);
    if (!sameArea(frame, model.frame)) this.#tellCanvas(model);
    else
      for (const { layer, patch } of changed)
        for (const page of this.#pages) if (page !== except) page.post({ type: layer, patch });
    if (step.edits) this.#pixelsChanged(model);
  }

  /** Sends the whole image to the pages, on a canvas of another size. */
  #tellCanvas(model: PictureModel<Painted>): void {
    this.#tell({ type: 'frame', frame: model.frame });
    this.#tell({ type: 'pixels', patch: cut(model.pixels, wholeOf(model)) });
    this.#tell({ type: 'mask', patch: cut(model.mask, wholeOf(model)) });
  }

  #pixelsChanged(model: PictureModel<Painted>): void {
    this.#version++;
    this.update({
      edited: model.changed !== undefined,
      canReselect: model.edits.some(({ mask }) => mask),
      large: isLarge(model),
    });
    const rows = model.edits.map(rowOf);
    for (const edit of model.edits) if (!this.#drawn.has(edit.id)) this.#tell(thumbnailOf(edit));
    this.#drawn = new Set(rows.map(({ id }) => id));
    this.#tell({ type: 'edits', edits: rows });
    this.#tell({ type: 'cost', cost: model.lastPainted?.about?.cost });
  }

  /** Replaces the document by other bytes of the file, with the mask of the last save. */
  async #replace(file: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#generation++;
    this.#version++;
    this.#file = file;
    this.#checked = this.#check();
    this.#disk = digestOf(file);
    this.#backup = undefined;
    this.#opened = undefined;
    this.#done.length = 0;
    this.#undone.length = 0;
    this.#savedAt = 0;
    this.#tellSteps();
    const model = await this.model();
    const mask = this.#savedMask;
    if (mask?.width === model.width && mask.height === model.height) paste(model.mask, mask);
    this.update({
      changedOnDisk: false,
      edited: false,
      canReselect: false,
      variations: [],
      failure: undefined,
    });
    for (const page of this.#pages) await this.tellAll(page);
  }

  /** Whether the file on disk differs from the one last read or written. */
  async #isAnother(onDisk: Uint8Array): Promise<boolean> {
    return (await digestOf(onDisk)) !== (await this.#disk);
  }

  #tell(message: EditorHostMessage): void {
    for (const page of this.#pages) page.post(message);
  }
}

function isLarge({ width, height }: { width: number; height: number }): boolean {
  return Math.max(width, height) > LIMITS.size.max;
}

function recipeOf(model: PictureModel<Painted>): Recipe | undefined {
  return model.lastPainted?.about?.recipe;
}
