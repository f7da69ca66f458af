import {
  type CustomDocument,
  type CustomDocumentEditEvent,
  EventEmitter,
  type LogOutputChannel,
  type Uri,
} from 'vscode';
import { InputError, isAbort } from '../../engine/errors.ts';
import { covering } from '../../engine/pictures/fit.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { PRECISIONS } from '../../shared/api.ts';
import type { Crop, EditorHostMessage, EditorState } from '../../shared/editorProtocol.ts';
import {
  blankPatch,
  blankRaster,
  copyOf,
  cut,
  isEmpty,
  type Patch,
  paste,
  type Raster,
  wholeOf,
} from '../../shared/raster.ts';
import { nameOf } from '../readUri.ts';
import { type Backup, backupOf } from './backup.ts';
import { canSelect } from './canSelect.ts';
import type { Canvas } from './canvas.ts';
import { areaOf, isReselectable, type ListedEdit } from './listedEdit.ts';
import { OpenedFile } from './openedFile.ts';
import { type Page, Pages, tellEdits } from './pages.ts';
import type { Painted } from './painted.ts';
import {
  digestOf,
  formatOf,
  isReadOnly,
  type NamedPicture,
  readPictureUri,
  writePictureUri,
} from './pictureFile.ts';
import {
  type Layer,
  type Overlay,
  overlays,
  type Painting,
  type PictureModel,
  type Step,
} from './pictureModel.ts';
import { StepHistory } from './stepHistory.ts';

/** What was written to a picture file. */
export interface SavedFile {
  /** What the file does not keep, in sentences. */
  losses: string[];
  /** Its digest. */
  disk: string;
  /** Lists the edits again when the file is opened; undefined if there are none, or it does not keep the pixels exactly. */
  edits: Uint8Array | undefined;
}

/** More about a change of the mask. */
interface MaskChange {
  /** Has drawn the change already. */
  from?: Page | undefined;
  /** Where objects are selected now; `keep`: where they were; `none`: the mask is nothing but what the user made. */
  objects?: Patch | 'keep' | 'none';
}

/** A picture file that is open in one or more editors: changes its model, tells the pages and VS Code, and saves it. */
export class PictureDocument implements CustomDocument {
  readonly uri: Uri;
  readonly #edits = new EventEmitter<CustomDocumentEditEvent<PictureDocument>>();
  readonly #disposals = new EventEmitter<void>();
  readonly #pages: Pages;
  readonly #log: LogOutputChannel;
  readonly #history = new StepHistory<Step<Painted>>();
  /** Replaced when the file is loaded again: steps of an earlier one cannot be undone. */
  #file: OpenedFile;
  /** Digest of the file on the disk as it was last read or written. */
  #disk: Promise<string>;
  #version = 0;
  #controlVersion = 0;
  /** The opacity that is being shown; aborted when another is asked for. */
  #fade = new AbortController();
  /** The change that is under way: steps are computed for the image as it is, so the next one waits for it. */
  #change: Promise<unknown> = Promise.resolve();
  /** The layers over the pixels at the last save, which a revert restores. */
  #saved: Partial<Record<Overlay, Patch>> = {};
  /** The mask belongs to an edit that is under way: new strokes begin another mask. */
  #maskTaken = false;
  #masksTaken = 0;

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
    const state: EditorState = {
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
    this.#log = log;
    this.#pages = new Pages(state, log);
    this.#file = new OpenedFile(uri, file, this.#pages, backup);
    this.#disk = backup ? Promise.resolve(backup.disk) : digestOf(file);
  }

  readonly onDidEdit = this.#edits.event;
  readonly onDidDispose = this.#disposals.event;

  get state(): EditorState {
    return this.#pages.state;
  }

  /** Counts the changes of the pixels. */
  get version(): number {
    return this.#version;
  }

  /** Counts the changes of the control layer. */
  get controlVersion(): number {
    return this.#controlVersion;
  }

  /** The bytes that were opened. */
  get file(): Uint8Array<ArrayBuffer> {
    return this.#file.bytes;
  }

  /** @throws InputError if the file is no still picture that can be read. */
  model(): Promise<PictureModel<Painted>> {
    return this.#file.model();
  }

  /** What the image was last made from: our edit's recipe, or the file's. */
  prompt(): Promise<string | undefined> {
    return this.#file.prompt();
  }

  /** The picture as a file for the engine; while nothing is edited the file itself. */
  encoded(): Promise<Uint8Array> {
    return this.#file.encoded();
  }

  /** A copy of the picture as it is now, for the engine. @param without an edit to leave out */
  async canvas(without?: string): Promise<Canvas> {
    return (await this.model()).canvas(without);
  }

  add(page: Page): void {
    this.#pages.add(page);
  }

  remove(page: Page): void {
    this.#pages.remove(page);
  }

  /**
   * Sends the whole state to a page that has just been loaded.
   * @returns whether the edits were included; if the file is not decoded yet, it is shown first and the edits follow
   * @throws InputError if the file is no picture, or one that is too large for a page
   */
  async tellAll(page: Page): Promise<boolean> {
    await this.#file.checked;
    const mime = `image/${formatOf(this.uri)}`;
    page.post({ type: 'open', name: this.state.name, file: this.file, mime });
    page.post({ type: 'state', state: this.state });
    if (!this.#file.isDecoded && !this.#file.backup) return false;
    await this.tellEdits(page);
    return true;
  }

  /** Sends a page the edits of its file. */
  async tellEdits(page: Page): Promise<void> {
    await tellEdits(page, await this.model());
  }

  tell(message: EditorHostMessage): void {
    this.#pages.tell(message);
  }

  update(change: Partial<EditorState>): void {
    this.#pages.update(change);
  }

  notice(notice: string, offer?: EditorState['offer']): void {
    this.#pages.notice(notice, offer);
  }

  fail(error: unknown): void {
    this.#pages.fail(error);
  }

  /** The error for a file that the browser cannot decode. */
  unreadable(): InputError {
    return this.#file.unreadable();
  }

  /** Changes the mask; VS Code can undo it. */
  async changeMask(label: string, patch: Patch, about: MaskChange = {}): Promise<void> {
    if (about.from) this.#pages.drawn();
    await this.drawMask(label, () => patch, about);
  }

  /** Changes the mask by what depends on it; VS Code can undo it. */
  async drawMask(
    label: string,
    patchOf: (mask: Raster) => Patch,
    { from, objects = 'keep' }: MaskChange = {},
  ): Promise<void> {
    const isFresh = this.#maskTaken;
    this.#maskTaken = false;
    await this.#perform((model) => {
      const { selected } = model;
      const selects = objects !== 'keep' && objects !== 'none';
      const none = selected && (isFresh || objects === 'none') ? blankPatch(selected) : undefined;
      return model.masking(label, patchOf(model.mask), selects ? objects : none);
    }, from);
  }

  /** Changes the control layer or the colours; VS Code can undo it. `from` has drawn the change already. */
  async changeLayer(
    layer: Exclude<Overlay, 'mask' | 'objects'>,
    label: string,
    patch: Patch,
    from?: Page,
  ): Promise<void> {
    if (from) this.#pages.drawn();
    await this.#perform((model) => model.drawing(layer, label, patch), from);
  }

  /** Makes an image the control layer, scaled until it covers the picture. @throws InputError if it is none */
  async useAsControl(label: string, { name, bytes }: NamedPicture): Promise<void> {
    const { width, height } = await this.model();
    const { pixels } = await covering(await decodePicture(bytes, name), { width, height });
    await this.changeLayer('control', label, { ...wholeOf({ width, height }), data: new Uint8Array(pixels) });
  }

  /** A copy of the control layer; undefined while it is empty. */
  async control(): Promise<Raster | undefined> {
    const model = await this.model();
    return model.controlled && copyOf(model.control);
  }

  /** Adds a painted result to the picture. @returns whether that changes a pixel */
  async paint(painting: Painting<Painted>): Promise<boolean> {
    return await this.#perform((model) => model.painting(painting));
  }

  /** Brings back the pixels of the file as far as a coverage says. */
  async restore(coverage: Patch): Promise<void> {
    const isStep = await this.#perform((model) => model.restoring('Restore Original', coverage));
    // The page shows the original there until it gets the new pixels.
    if (!isStep) this.tell({ type: 'pixels', patch: cut((await this.model()).pixels, coverage) });
  }

  /** Cuts pixels off at the sides. @throws InputError if nothing would be left */
  async crop({ left, top, right, bottom }: Crop): Promise<void> {
    await this.#perform((model) => {
      const area = { left, top, width: model.width - left - right, height: model.height - top - bottom };
      if (isEmpty(area)) throw new InputError('Nothing of the image would be left: crop it by less.');
      return model.cropping(`Crop to ${area.width} × ${area.height}`, area);
    });
  }

  /** Shows the edits that pass a test, and hides the others. */
  async showEdits(
    label: string,
    isShown: (edit: ListedEdit<Painted>, index: number) => boolean,
  ): Promise<void> {
    await this.#perform((model) => model.showing(label, isShown));
  }

  /**
   * Gives an edit another opacity.
   * @param done it is a step; otherwise it is only shown, until the next call, if there is no other by then
   */
  async fadeEdit(id: string, opacity: number, done: boolean): Promise<void> {
    this.#fade.abort();
    this.#fade = new AbortController();
    const { signal } = this.#fade;
    const { label, content } = await this.edit(id);
    if (done) await this.#perform((model) => model.fading(`Opacity of ${label}`, id, opacity));
    await this.#inTurn(async () => {
      const model = await this.model();
      // What was only shown is replaced too, also where the step changes nothing.
      const raster = done ? model.pixels : (await model.fadedCanvas(id, opacity, signal)).raster;
      const area = model.onCanvas(areaOf(content));
      if (!signal.aborted && !isEmpty(area)) this.tell({ type: 'pixels', patch: cut(raster, area) });
    }).catch((error) => {
      if (!isAbort(error)) throw error;
    });
  }

  /** Puts another of its variations in the place of an edit. */
  async varyEdit(id: string, variation: string): Promise<void> {
    const { label } = await this.edit(id);
    await this.#perform((model) => model.varying(`Another Variation of ${label}`, id, variation));
  }

  /** Lays an edit over the next one (1), or below the one before it (−1). */
  async moveEdit(id: string, by: 1 | -1): Promise<void> {
    const { label } = await this.edit(id);
    await this.#perform((model) => model.moving(`Move ${label} ${by > 0 ? 'Up' : 'Down'}`, id, by));
  }

  /** @throws Error if no edit has this id */
  async edit(id: string): Promise<ListedEdit<Painted>> {
    const edit = (await this.model()).edits.find((each) => each.id === id);
    if (!edit) throw new Error('This edit is not in the list any more.');
    return edit;
  }

  /** Restores the mask and the colours that an edit was painted with, or the last one that has any. */
  async reselect(id?: string): Promise<void> {
    const model = await this.model();
    const edit = id ? await this.edit(id) : model.edits.findLast(isReselectable);
    if (!edit || !isReselectable(edit)) return;
    this.#maskTaken = false;
    await this.#perform((model) => model.reselecting('Reselect', edit));
  }

  /** Lends the mask to an edit: until it is released, new strokes begin another mask. */
  async takeMask(): Promise<{ mask: Raster; objects: Raster | undefined }> {
    const model = await this.model();
    this.#maskTaken = true;
    this.update({ maskTaken: ++this.#masksTaken });
    return { mask: copyOf(model.mask), objects: model.selected && copyOf(model.objects) };
  }

  releaseMask(): void {
    this.#maskTaken = false;
    this.update({ maskTaken: undefined });
  }

  /** The mask that a selection is added to, and the objects in it: empty ones while an edit has them. */
  async maskToChange(): Promise<{ mask: Raster; objects: Raster }> {
    const { mask, objects } = await this.model();
    const blank = () => blankRaster(mask.width, mask.height, 1);
    return this.#maskTaken ? { mask: blank(), objects: blank() } : { mask, objects };
  }

  /** Shows a new cost of the last edit. */
  async costChanged(): Promise<void> {
    this.#pages.showCost(await this.model());
  }

  /**
   * Writes the file in its own format.
   * @param overwrite asks whether a file that has changed on the disk may be replaced
   */
  async save(overwrite: () => Promise<boolean>): Promise<SavedFile> {
    if (this.state.readOnly) throw new InputError(`${this.state.name} is read-only. Use Save As… instead.`);
    const onDisk = await readPictureUri(this.uri).catch(() => undefined);
    if (onDisk && (await this.#isAnother(onDisk)) && !(await overwrite()))
      throw new Error(`${this.state.name} was not saved, because it has changed on disk.`);
    const saved = await this.#inTurn(async () => {
      const saved = await this.#write(this.uri);
      this.#disk = Promise.resolve(saved.disk);
      const model = await this.model();
      const whole = wholeOf(model);
      this.#saved = {
        mask: cut(model.mask, whole),
        ...(model.selected && { objects: cut(model.objects, whole) }),
        ...(model.controlled && { control: cut(model.control, whole) }),
        ...(model.coloured && { colours: cut(model.colours, whole) }),
      };
      this.#history.saved();
      return saved;
    });
    this.update({ changedOnDisk: false, failure: undefined });
    if (saved.losses.length > 0) this.notice([`Saved ${this.state.name}.`, ...saved.losses].join(' '));
    return saved;
  }

  /** Writes the image to another file, in that file's format. */
  async saveAs(target: Uri): Promise<SavedFile> {
    const saved = await this.#inTurn(() => this.#write(target));
    this.update({ failure: undefined });
    return saved;
  }

  async #write(target: Uri): Promise<SavedFile> {
    const losses = await this.#file.losses(target);
    const bytes = await this.#file.rewritten(formatOf(target));
    await writePictureUri(target, bytes);
    const disk = await digestOf(bytes);
    return { losses, disk, edits: losses.length === 0 ? await this.#editsOf(disk) : undefined };
  }

  /** Goes back to the file on the disk, and to the layers over it as they were then. */
  async revert(): Promise<void> {
    const bytes = await readPictureUri(this.uri);
    await this.#inTurn(() => this.#replace(bytes));
    this.update({ notice: undefined, failure: undefined });
  }

  async backup(): Promise<Uint8Array> {
    const disk = await this.#disk;
    return await this.#inTurn(async () => {
      // VS Code considers a document unchanged once all steps that it knows are undone, so it gets the later ones.
      const steps = this.#history.unsaved;
      return await backupOf({ file: this.file, disk, model: await this.model(), steps });
    });
  }

  /** Tells VS Code the steps that were done before a reload of the window, so that they can be undone. */
  async resumeSteps(): Promise<void> {
    if (!this.#file.backup?.steps.length) return;
    await this.model();
    for (const step of this.#file.backup?.steps ?? []) this.#record(step, this.#file);
  }

  /**
   * Checks whether the file on disk has changed. An unmodified document follows it; others inform the user.
   * @param isDirty whether VS Code holds changes; asked once the file was read, as the user may paint meanwhile
   */
  async diskChanged(isDirty: () => boolean): Promise<void> {
    const bytes = await readPictureUri(this.uri).catch(() => undefined);
    if (!bytes || !(await this.#isAnother(bytes))) return;
    await this.#inTurn(async () => {
      // It may be our own file, read while it was being saved.
      if (!(await this.#isAnother(bytes))) return;
      // VS Code may not have noted the last step yet.
      if (isDirty() || this.#history.unsaved.length > 0) this.update({ changedOnDisk: true });
      else await this.#replace(bytes);
    });
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

  /**
   * What lists the edits again when the file that was saved is opened, with the control layer and the colours. Undefined
   * if there is nothing of these; the file is written already, so a failure is only logged.
   * @param disk digest of the file
   */
  async #editsOf(disk: string): Promise<Uint8Array | undefined> {
    const model = await this.model();
    if (model.edits.length === 0 && !model.controlled && !model.coloured) return undefined;
    const layers: Layer[] = ['pixels', 'control', 'colours'];
    try {
      return await backupOf({ file: this.file, disk, model, layers, steps: [] });
    } catch (error) {
      this.#log.warn(String(error));
      return undefined;
    }
  }

  /** Makes a step for the image as it is then. @returns whether there is one */
  async #perform(
    stepOf: (model: PictureModel<Painted>) => Promise<Step<Painted> | undefined>,
    from?: Page,
  ): Promise<boolean> {
    return await this.#inTurn(async () => {
      const file = this.#file;
      const model = await this.model();
      const step = await stepOf(model);
      if (!step) return false;
      await this.#show(model, step, 'do', from);
      this.#record(step, file);
      return true;
    });
  }

  /** Runs a task once those before it have ended. */
  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#change.then(task);
    this.#change = result.catch(() => {});
    return result;
  }

  /** Records a step and reports it to VS Code. */
  #record(step: Step<Painted>, file: OpenedFile): void {
    this.#history.add(step);
    this.#tellSteps();
    this.#edits.fire({
      document: this,
      label: step.label,
      undo: () => this.#again(step, 'undo', file),
      redo: () => this.#again(step, 'do', file),
    });
  }

  /** Undoes or redoes a step of a file. */
  async #again(step: Step<Painted>, direction: 'do' | 'undo', file: OpenedFile): Promise<void> {
    await this.#inTurn(async () => {
      if (file !== this.#file) {
        this.notice('The file was loaded again since, so this step cannot be undone.');
        return;
      }
      if (direction === 'undo') this.#history.undo(step);
      else this.#history.redo(step);
      this.#tellSteps();
      await this.#show(await this.model(), step, direction);
    });
  }

  #tellSteps(): void {
    const { canUndo, canRedo } = this.#history;
    this.update({ canUndo, canRedo });
  }

  async #show(
    model: PictureModel<Painted>,
    step: Step<Painted>,
    direction: 'do' | 'undo',
    except?: Page,
  ): Promise<void> {
    const { pixels } = model;
    await this.#pages.show(model, step, direction, except);
    if (step.changes.some(({ layer }) => layer === 'control')) this.#controlVersion++;
    if (!step.edits) return;
    if (model.pixels !== pixels || step.changes.some(({ layer }) => layer === 'pixels')) this.#version++;
    await this.#pages.showEdits(model);
  }

  /** Replaces the document by other bytes of the file, with the layers over it of the last save. */
  async #replace(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#version++;
    this.#file = new OpenedFile(this.uri, bytes, this.#pages);
    this.#disk = digestOf(bytes);
    this.#history.clear();
    this.#tellSteps();
    const model = await this.model();
    for (const layer of overlays()) {
      const saved = this.#saved[layer];
      if (saved?.width === model.width && saved.height === model.height) paste(model[layer], saved);
    }
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
}
