import { commands, Uri, type WebviewPanel, window } from 'vscode';
import { InputError, isAbort } from '../../engine/errors.ts';
import { encodeCoverage, readMask } from '../../engine/pictures/mask.ts';
import type { AdditionPlace } from '../../shared/additions.ts';
import type {
  EditorCommand,
  EditorHostMessage,
  EditorPageMessage,
  PicturePlace,
} from '../../shared/editorProtocol.ts';
import { copyOf, type Patch, wholeOf } from '../../shared/raster.ts';
import { AdditionsHost, additionsHandlers, choosePicture } from '../additions/host.ts';
import { type Handlers, handle } from '../handlers.ts';
import { insertLink } from '../insertLink.ts';
import { installedSentence } from '../models/offer.ts';
import { PageHost } from '../pageHost.ts';
import { checkEditorMessage } from '../pageMessages.ts';
import { askPrompt } from '../promptInput.ts';
import { nameOf } from '../readUri.ts';
import { openSettings } from '../report.ts';
import { modelNear } from '../requests.ts';
import type { Services } from '../services.ts';
import { uriOf } from '../storedUri.ts';
import { upscaleBeside } from '../upscale/beside.ts';
import type { PictureDocument } from './document.ts';
import { DRAFTING, liveEditsOf } from './drafting.ts';
import { knowledgeFor } from './knowledge.ts';
import type { LiveEdits } from './liveEdits.ts';
import type { Page } from './pages.ts';
import type { Painting } from './painting.ts';
import { readNamedPicture, readPictureUri, writePictureUri } from './pictureFile.ts';
import type { Preparing } from './preparing.ts';
import { Selecting } from './selecting.ts';
import { UnseenAnswers } from './unseenAnswers.ts';

/** Messages that do not wait for those before them. */
const URGENT = [
  'apply',
  'stopLive',
  'prepare',
  'runAgain',
  'upscale',
  'measure',
  'cancel',
  'cancelSelect',
  'hover',
] as const;
type UrgentMessage = Extract<EditorPageMessage, { type: (typeof URGENT)[number] }>;

function isUrgent(message: EditorPageMessage): message is UrgentMessage {
  return (URGENT as readonly string[]).includes(message.type);
}

/** One editor of a document: a panel with the page in it. VS Code unloads the page while its tab is hidden. */
export class EditorPage implements Page {
  readonly #services: Services;
  readonly #document: PictureDocument;
  readonly #painting: Painting;
  readonly #selecting: Selecting;
  readonly #preparing: Preparing;
  readonly #live: LiveEdits;
  readonly #additions: AdditionsHost;
  readonly #host: PageHost<EditorHostMessage, EditorPageMessage>;
  /** The editor that was used last, if it is open. */
  static #active: EditorPage | undefined;
  /** The page knows the edits of the file that it shows. */
  #showsEdits = false;
  /** Messages are handled in order. */
  #last: Promise<void> = Promise.resolve();
  /** Clicks that are not answered. */
  #clicks = 0;
  readonly #unseen = new UnseenAnswers();

  constructor(
    services: Services,
    document: PictureDocument,
    { painting, preparing }: { painting: Painting; preparing: Preparing },
    panel: WebviewPanel,
  ) {
    this.#services = services;
    this.#document = document;
    this.#painting = painting;
    this.#selecting = new Selecting(services, document);
    this.#additions = new AdditionsHost(
      services,
      () => modelNear(document.uri).model,
      (message) => this.post(message),
    );
    this.#host = new PageHost(panel, services.extensionUri, {
      name: 'editor',
      title: document.state.name,
      icon: false,
      roots: [uriOf(services.kept.folder)],
      check: checkEditorMessage,
      onReady: () => this.#receive({ type: 'ready' }),
      onMessage: (message) => this.#receive(message),
    });
    this.#preparing = preparing;
    this.#live = liveEditsOf(services, document, (live) =>
      this.post({ type: 'live', on: DRAFTING.isOn, ...live }),
    );
    const listening = DRAFTING.onChange(() => this.#live.clear());
    if (panel.active) EditorPage.#active = this;
    panel.onDidChangeViewState(() => {
      if (panel.active) EditorPage.#active = this;
      if (panel.visible) return;
      this.#preparing.stop();
      this.#live.stop();
    });
    panel.onDidDispose(() => {
      if (EditorPage.#active === this) EditorPage.#active = undefined;
      this.#preparing.stop();
      this.#live.stop();
      listening.dispose();
      document.remove(this);
    });
    document.add(this);
  }

  /** Runs a command in the editor that was used last, as its button would. */
  static run(command: EditorCommand): void {
    const page = EditorPage.#active;
    if (!page) return;
    page.#host.reveal();
    page.post({ type: 'command', command });
  }

  post(message: EditorHostMessage): void {
    this.#host.post(message);
  }

  /** Errors are shown, never thrown. */
  #receive(message: EditorPageMessage): void {
    // A click that replaces the mask needs no answer to the one before it.
    if (message.type === 'select' && message.how === 'replace') this.#selecting.cancel();
    if (isUrgent(message)) {
      void handle(this.#urgent, message);
      return;
    }
    if (message.type === 'select' || message.type === 'selectNext') this.#clicks++;
    const isBehindClick = message.type === 'mask' && this.#clicks > 0;
    const last = this.#last
      .then(() => (isBehindClick ? this.#drawOver(message) : handle(this.#handlers, message)))
      .catch((error) => this.#document.fail(error))
      .then(() => {
        if (this.#last === last) this.#unseen.end();
      });
    this.#last = last;
  }

  /** Handlers that wait for the engine, or end what waits. They show errors themselves. */
  readonly #urgent: Handlers<UrgentMessage> = {
    apply: ({ draft }) => {
      const taken = this.#live.take(draft);
      this.#live.clear();
      return this.#painting.apply(taken, this, { after: this.#last });
    },
    stopLive: () => this.#live.stop(),
    prepare: ({ draft }) => this.#preparing.start(draft),
    runAgain: ({ id }) => this.#painting.again(id, this),
    upscale: () => this.#upscale(),
    measure: () => this.#painting.measure(),
    cancel: () => this.#painting.cancel(),
    cancelSelect: () => this.#selecting.cancel(),
    hover: ({ place }) => this.#hover(place),
  };

  /** Handlers that run one after another. */
  readonly #handlers: Handlers<Exclude<EditorPageMessage, UrgentMessage>> = {
    ...additionsHandlers(() => this.#additions),
    ready: async () => {
      this.post({ type: 'keptAt', address: this.#host.address(this.#services.kept.folder) });
      this.#showsEdits = await this.#document.tellAll(this);
      this.#painting.tellAll(this);
      this.post({ type: 'live', on: DRAFTING.isOn });
    },
    live: ({ draft }) => {
      // What was painted before it is in the mask by now; what comes after it does not wait.
      if (draft && DRAFTING.isOn) void this.#live.draw(draft);
      else this.#live.clear();
    },
    setLive: async ({ on }) => {
      await DRAFTING.set(on);
      this.#live.forgetTimes();
    },
    painted: async () => {
      if (!this.#showsEdits) await this.#document.tellEdits(this);
      this.#showsEdits = true;
      void this.#judge();
    },
    broken: ({ reason }) => {
      this.#services.log.warn(`${this.#document.state.name}: ${reason}`);
      throw this.#document.unreadable();
    },
    mask: ({ label, patch, whole }) =>
      this.#document.changeMask(label, patchOf(patch), { from: this, objects: whole ? 'none' : 'keep' }),
    control: ({ label, patch }) => this.#document.changeLayer('control', label, patchOf(patch), this),
    colours: ({ label, patch }) => this.#document.changeLayer('colours', label, patchOf(patch), this),
    chooseControl: ({ what }) => this.#aside(this.#chooseControl(what)),
    giveControl: (picture) => this.#document.useAsControl('Control Image', picture),
    giveControlUri: async ({ uri }) =>
      this.#document.useAsControl('Control Image', await readNamedPicture(Uri.parse(uri))),
    reselect: () => this.#document.reselect(),
    showEdit: async (message) => {
      const { label } = await this.#document.edit(message.id);
      await this.#document.showEdits(`${message.shown ? 'Show' : 'Hide'} ${label}`, ({ id, shown }) =>
        id === message.id ? message.shown : shown,
      );
    },
    fadeEdit: ({ id, opacity, done }) => this.#document.fadeEdit(id, opacity, done),
    varyEdit: ({ id, variation }) => this.#document.varyEdit(id, variation),
    moveEdit: ({ id, by }) => this.#document.moveEdit(id, by),
    crop: ({ crop }) => this.#document.crop(crop),
    goBack: ({ id }) => this.#goBack(id),
    useEdit: ({ id }) => this.#use(id),
    select: ({ place, how }) => this.#select(() => this.#selecting.select(place, how)),
    selectNext: ({ step }) => this.#select(() => this.#selecting.selectNext(step)),
    restore: ({ patch }) => this.#document.restore(patchOf(patch)),
    pick: ({ id }) => this.#painting.pick(id),
    discard: () => this.#painting.discard(),
    pickPrompt: () => this.#aside(this.#pickPrompt()),
    undo: () => this.#command('undo'),
    redo: () => this.#command('redo'),
    reload: () => this.#command('workbench.action.files.revert'),
    insertLink: () => this.#aside(this.#insertLink()),
    getModel: ({ model }) => this.#aside(this.#getModel(model)),
    getModels: () => this.#aside(this.#getModels()),
    loadMask: () => this.#aside(this.#loadMask()),
    exportMask: () => this.#aside(this.#exportMask()),
    cutOut: () => this.#aside(this.#cutOut()),
    keep: () => this.#document.keepMine(),
    copied: ({ what }) => this.#document.notice(`Copied ${what}.`),
    failed: ({ what, reason }) => {
      throw new Error(`${what}: ${reason}`);
    },
    showLog: () => this.#services.log.show(),
    openSettings: () => openSettings(),
    giveMask: ({ place }) => this.#giveMask(place),
  };

  /** Lets later messages go on while a handler waits for a person or a download. Shows its error. */
  #aside(handled: Promise<void>): void {
    void handled.catch((error) => this.#document.fail(error));
  }

  async #pickPrompt(): Promise<void> {
    const prompt = await askPrompt(this.#services, 'Earlier Prompts', 'What should be there?');
    if (prompt) this.post({ type: 'draft', draft: { prompt } });
  }

  async #getModel(model: string): Promise<void> {
    if (!(await commands.executeCommand('patchwork.models.get', model))) return;
    this.#document.notice(installedSentence(model));
  }

  async #getModels(): Promise<void> {
    await commands.executeCommand('patchwork.manageModels');
    await this.#judge();
  }

  /** A command of VS Code on this editor. */
  async #command(name: string): Promise<void> {
    this.#host.reveal();
    await commands.executeCommand(name);
  }

  /** Checks whether the model suits the image; editing works without the check. */
  async #judge(): Promise<void> {
    try {
      this.#document.update(await knowledgeFor(this.#services, this.#document));
    } catch (error) {
      this.#services.log.warn(String(error));
    }
  }

  /** Answers a click, which may be cancelled. */
  async #select(answer: () => Promise<void>): Promise<void> {
    this.#live.stop();
    try {
      this.#unseen.begin((await this.#document.maskToChange()).mask);
      await answer();
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      this.#clicks--;
    }
  }

  /** Draws what the page drew before it saw the answer to a click, and shows it both. */
  async #drawOver({ label, patch, whole }: EditorPageMessage & { type: 'mask' }): Promise<void> {
    const stroke = patchOf(patch);
    const objects = whole ? 'none' : 'keep';
    await this.#document.drawMask(label, (mask) => this.#unseen.over(mask, stroke), { objects });
  }

  /** Ignores preview errors; the click reports them. */
  async #hover(place: PicturePlace | undefined): Promise<void> {
    await this.#selecting.preview(place, this).catch(() => {});
  }

  /** Shows the picture as it was after an edit. */
  async #goBack(id: string): Promise<void> {
    const { edits } = await this.#document.model();
    const at = edits.findIndex((edit) => edit.id === id);
    const { label } = await this.#document.edit(id);
    await this.#document.showEdits(`Go Back to ${label}`, ({ shown }, i) => i === at || (shown && i < at));
  }

  async #use(id: string): Promise<void> {
    const { about } = await this.#document.edit(id);
    await this.#document.reselect(id);
    if (about) await this.#painting.restoreControl(about.draft);
    if (about) this.post({ type: 'draft', draft: { ...about.draft, seedLocked: true } });
  }

  async #insertLink(): Promise<void> {
    const { uri, state } = this.#document;
    const alt = (await this.#document.prompt()) ?? state.name.replace(/\.[^.]*$/, '');
    const document = await insertLink(this.#services.lastEditor, uri, alt);
    this.#document.notice(`Inserted a link into ${document}.`);
  }

  /** Takes a mask from a file that the user chooses; one of another size is scaled. */
  async #loadMask(): Promise<void> {
    const [file] =
      (await window.showOpenDialog({
        title: 'Load Mask',
        defaultUri: Uri.joinPath(this.#document.uri, '..'),
        filters: { Images: ['png', 'jpg', 'jpeg', 'webp'] },
      })) ?? [];
    if (!file) return;
    const model = await this.#document.model();
    const { coverage, warnings } = await readMask(await readPictureUri(file), nameOf(file), model);
    const patch = { ...wholeOf(model), data: coverage };
    await this.#document.changeMask('Load Mask', patch, { objects: 'none' });
    this.#document.notice([`Loaded the mask ${nameOf(file)}.`, ...warnings].join(' '));
  }

  /** Lets the user choose an image for the control layer, or the model that reads it. */
  async #chooseControl(what: 'picture' | 'model'): Promise<void> {
    if (what === 'picture') {
      const picture = await choosePicture('Control Image');
      if (picture) await this.#document.useAsControl('Control Image', picture);
      return;
    }
    const model = await this.#additions.chooseModelFor('controls');
    if (model !== undefined) this.post({ type: 'controlModel', model });
  }

  /** The mask as an image: white where a reference is seen. */
  async #giveMask(place: AdditionPlace): Promise<void> {
    const { mask, masked } = await this.#document.model();
    if (!masked) throw new InputError('Paint a mask first.');
    const bytes = await encodeCoverage(mask.data, mask.width, mask.height);
    await this.#additions.give(place, { name: 'The mask', bytes });
  }

  async #exportMask(): Promise<void> {
    const { uri } = this.#document;
    const { mask, masked } = await this.#document.model();
    if (!masked) throw new InputError('Paint a mask first.');
    const target = await askTarget(uri, 'mask', 'Export Mask');
    if (!target) return;
    await writePictureUri(target, await encodeCoverage(mask.data, mask.width, mask.height));
    this.#document.notice(`Exported the mask as ${nameOf(target)}.`);
  }

  /** Makes the current picture larger, in a new file beside it; editing continues meanwhile. */
  async #upscale(): Promise<void> {
    try {
      const { uri } = this.#document;
      const done = await upscaleBeside(this.#services, uri, await this.#document.encoded());
      if (done) this.#document.notice(done);
    } catch (error) {
      if (!isAbort(error)) this.#document.fail(error);
    }
  }

  /** Saves what is masked as an image with a transparent background, and shows it. */
  async #cutOut(): Promise<void> {
    const { mask, masked } = await this.#document.model();
    if (!masked)
      throw new InputError('Mark the object first: click it with Select Object (S), or paint over it.');
    const target = await askTarget(this.#document.uri, 'cutout', 'Cut Out');
    if (!target) return;
    const image = await this.#document.encoded();
    const { picture, warnings } = await this.#services.engine.cutOut({
      image,
      mask: copyOf(mask),
      trim: true,
    });
    await writePictureUri(target, picture.png);
    this.#document.notice([`Saved the cutout as ${nameOf(target)}.`, ...warnings].join(' '));
    await commands.executeCommand('vscode.open', target);
  }
}

/** Asks where to save a PNG file that is made of an image. */
async function askTarget(image: Uri, ending: string, title: string): Promise<Uri | undefined> {
  const name = `${nameOf(image).replace(/\.[^.]*$/, '')}-${ending}.png`;
  return await window.showSaveDialog({
    defaultUri: Uri.joinPath(image, '..', name),
    filters: { 'PNG images': ['png'] },
    title,
  });
}

/** A patch as a page sends it; the model checks that it fits. */
function patchOf({ left, top, width, height, data }: Patch): Patch {
  if (!(data instanceof Uint8Array)) throw new TypeError('A change without values came from the page.');
  return { left, top, width, height, data };
}
