import { commands, Uri, ViewColumn, type WebviewPanel, window, workspace } from 'vscode';
import { InputError, isAbort } from '../../engine/errors.ts';
import type { ParsedRecipe } from '../../engine/pictures/recipes/settings.ts';
import { type Additions, type AskedRequest, additionsOf } from '../../shared/additions.ts';
import type { LoraChoice } from '../../shared/api.ts';
import { formatSeconds } from '../../shared/format.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import type { ImageAction } from '../../shared/imageActions.ts';
import { type Draft, EMPTY_DRAFT, type PageMessage, type ViewState } from '../../shared/viewProtocol.ts';
import { unknownWords } from '../../shared/vocabulary.ts';
import { withoutIdleAdapter } from '../additions/adapter.ts';
import { AdditionsHost, additionsHandlers } from '../additions/host.ts';
import { workspaceFolder } from '../destination.ts';
import { draftSwitch } from '../draftSwitch.ts';
import { readPictureUri } from '../editor/pictureFile.ts';
import { actOn, type Done, one } from '../gallery/actions.ts';
import { type Handlers, handle } from '../handlers.ts';
import { LastCall } from '../lastCall.ts';
import { closeUnfilled } from '../pageHost.ts';
import { failureOf, openSettings, reportError } from '../report.ts';
import { asNow, stylesNow, withSettings } from '../requests.ts';
import type { Services } from '../services.ts';
import { uriOf } from '../storedUri.ts';
import { upscaledNotice, upscaleStored } from '../upscale/upscale.ts';
import { countOf, draftOf, draftOfRecipe, lostFromForm, readDraft, requestOf } from './draft.ts';
import { expectedSeconds, factsFor, wordsOf } from './facts.ts';
import { generateImages, startAgain } from './generate.ts';
import { LiveDrafts } from './liveDrafts.ts';
import { ViewPage } from './page.ts';
import { recipeIn } from './recipeIn.ts';
import { readSavedView } from './saved.ts';

export const VIEW_TYPE = 'patchwork.view';

/** Key of the last form. */
const DRAFT = 'patchwork.draft';

const DRAFTING = draftSwitch('draftWhileTyping');

/** How many of the gallery's latest images the view lists. */
const RECENT = 24;

/** The Patchwork view: asks for images and shows them, in one editor tab. */
export class ImageView {
  static #open: ImageView | undefined;
  /** Runs that have begun or wait, whatever view asked for them. */
  static #making = 0;

  readonly #services: Services;
  readonly #page: ViewPage;
  /** The form as last sent by the page. */
  #draft: Draft = EMPTY_DRAFT;
  readonly #drafts: LiveDrafts;
  readonly #additions: AdditionsHost;
  /** Action of the button beside the notice. */
  #next: Done['next'];
  /** The request of the last failed run. */
  #failed: AskedRequest | undefined;
  readonly #looks = new LastCall();
  readonly #factsAsked = new LastCall();
  readonly #picturesAsked = new LastCall();

  readonly #handlers: Handlers<PageMessage> = {
    // The page's host takes it.
    ready() {},
    form: async ({ draft }) => {
      this.#draft = readDraft(draft);
      if (this.#drafts.isDue) void this.#drawDraft();
      await this.#services.memory.update(DRAFT, this.#draft);
      await this.#refreshFacts();
    },
    typing: () => {
      this.#services.headStart.take();
      this.#drafts.typing();
    },
    setDrafting: async ({ on }) => {
      await DRAFTING.set(on);
      this.#drafts.forgetTimes();
      if (on) await this.#drawDraft();
    },
    generate: async (message) => {
      const draft = readDraft(message.draft);
      const request = this.#drafts.take(requestOf(draft, stylesNow()));
      await generateImages(this.#services, request, countOf(draft), { filled: true });
    },
    again: async ({ id }) => {
      const { request } = await one(this.#services, [id]);
      await generateImages(this.#services, asNow({ ...request, seed: undefined }), 1, { filled: true });
    },
    tryAgain: async () => {
      if (this.#failed) await generateImages(this.#services, this.#failed, 1, { filled: true });
    },
    restart: ({ run }) => startAgain(this.#services, run),
    forget: ({ run }) => this.#services.runs.take(run),
    cancel: ({ job }) => this.#services.queue.cancel(job),
    cancelAll: () => this.#services.queue.cancelAll(),
    show: ({ id }) => this.show(one(this.#services, [id])),
    showGrid: ({ batch }) => this.#look({ grid: batch, following: false }),
    follow: () => this.#look({ following: true }),
    fetch: async ({ id }) =>
      this.#page.tell({ type: 'picture', id, png: await this.#services.gallery.bytes(id) }),
    act: ({ action, ids }) => this.act(action, ids),
    noticeAction: async () => {
      const next = this.#next;
      this.#say(undefined);
      await next?.run();
    },
    dismiss: () => this.#page.update({ failure: undefined }),
    dropped: async ({ name, bytes }) => this.useRecipe(await recipeIn(name, bytes)),
    droppedUri: async (message) => {
      const uri = Uri.parse(message.uri);
      this.useRecipe(await recipeIn(uri.path.split('/').at(-1)!, await readPictureUri(uri)));
    },
    copied: () => this.#say({ text: 'Copied the image.' }),
    copyFailed({ reason }) {
      throw new Error(`The image could not be copied: ${reason}`);
    },
    openGallery: () => commands.executeCommand('patchwork.openGallery'),
    getModels: () => commands.executeCommand('patchwork.manageModels'),
    showLog: () => this.#services.log.show(),
    openSettings: () => openSettings(),
    ...additionsHandlers(() => this.#additions),
  };

  /** The view if it is open. */
  static get current(): ImageView | undefined {
    return ImageView.#open;
  }

  /** Brings the view to the front; opens it, beside a text, if it is not open. */
  static show(services: Services): ImageView {
    if (ImageView.#open) {
      // The focus stays where the user types.
      if (!ImageView.#open.visible) ImageView.#open.#page.reveal();
      return ImageView.#open;
    }
    const column =
      closeUnfilled(VIEW_TYPE) ?? (window.activeTextEditor ? ViewColumn.Beside : ViewColumn.Active);
    const view = new ImageView(services, window.createWebviewPanel(VIEW_TYPE, 'Patchwork', column));
    view.#draft = readDraft(services.memory.get(DRAFT));
    view.#page.fill(view.#draft, true);
    void view.#showLatest();
    return view;
  }

  /** Fills a panel that VS Code brought back after the window was reloaded. */
  static async restore(services: Services, panel: WebviewPanel, saved: unknown): Promise<void> {
    if (ImageView.#open) {
      // Windows of earlier versions had several.
      panel.dispose();
      return;
    }
    const { draft, shown } = readSavedView(saved);
    const view = new ImageView(services, panel);
    view.#draft = draft;
    await view.#refreshPictures();
    const picture = shown ? await services.gallery.find(shown) : undefined;
    if (picture) await view.show(picture);
    else await view.#showLatest();
  }

  private constructor(services: Services, panel: WebviewPanel) {
    this.#services = services;
    const { queue, gallery, runs } = services;
    const state: ViewState = {
      pictures: [],
      jobs: [...queue.jobs],
      drafting: { on: DRAFTING.isOn },
      unknown: [],
      making: ImageView.#making > 0,
      following: ImageView.#making > 0,
      interrupted: interruptedIn(services),
      hasFolder: workspaceFolder() !== undefined,
    };
    this.#page = new ViewPage(panel, services, state, (message) => void this.#receive(message));
    this.#drafts = new LiveDrafts({
      make: async (request, signal) => {
        const filled = await services.kept.filled(await withoutIdleAdapter(request));
        return await queue.generateAside({ ...filled, previews: false }, { signal });
      },
      expect: (request) => expectedSeconds(request, services.pace),
      show: (drawn, hindrance) => {
        if (drawn) this.#page.tell({ type: 'live', png: new Uint8Array(drawn.png) });
        this.#page.update({ live: drawn?.draft, drafting: { on: DRAFTING.isOn, hindrance } });
      },
    });
    this.#additions = new AdditionsHost(
      services,
      () => this.#draft.model || withSettings({ prompt: '' }).model,
      (message) => this.#page.tell(message),
    );
    ImageView.#open = this;
    const listening = [
      { dispose: queue.onDidChange(() => this.#page.update({ jobs: [...queue.jobs] })) },
      { dispose: gallery.onDidChange(() => void this.#refreshPictures()) },
      { dispose: runs.onDidChange(() => this.#page.update({ interrupted: interruptedIn(services) })) },
      workspace.onDidChangeWorkspaceFolders(() =>
        this.#page.update({ hasFolder: workspaceFolder() !== undefined }),
      ),
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('patchwork')) void this.#refreshFacts();
      }),
      DRAFTING.onChange(() => this.#drafts.clear()),
    ];
    panel.onDidDispose(() => {
      ImageView.#open = undefined;
      this.#drafts.stop();
      for (const each of listening) each.dispose();
    });
    void this.#refreshPictures();
    void this.#refreshFacts();
  }

  get visible(): boolean {
    return this.#page.visible;
  }

  /** Shows images from now on while they are generated. @param filled the form already has this request */
  begin(request: AskedRequest, { filled, batch }: { filled: boolean; batch?: string }): void {
    if (!filled) this.#page.fill(draftOf(request));
    this.#failed = undefined;
    this.#look({ following: true, grid: batch, failure: undefined, notice: undefined });
  }

  /** Shows something else than a draft, and none of what was typed before. */
  #look(change: Partial<ViewState>): void {
    this.#looks.begin();
    this.#drafts.stop();
    this.#page.update({ ...change, live: undefined });
  }

  /** A run begins, and has ended. */
  static count(change: 1 | -1): void {
    ImageView.#making += change;
    const view = ImageView.#open;
    if (view) view.#page.update({ making: ImageView.#making > 0 });
  }

  preview(job: string, png: Uint8Array): void {
    this.#page.setPreview(job, png);
  }

  /** Shows a finished image, unless the user is looking at another one. */
  async finished(picture: PictureInfo): Promise<void> {
    await this.#refreshPictures();
    void this.#refreshFacts();
    if (!this.#page.state.following) return;
    if (picture.batch) this.#page.update({ shown: picture.id });
    else await this.show(picture);
    this.#page.update({ following: ImageView.#making > 1 });
    const batch = this.#page.state.pictures.filter((one) => one.batch && one.batch === picture.batch);
    const seconds = batch.reduce((sum, one) => sum + one.seconds, 0);
    this.#say({
      text:
        batch.length > 1
          ? `${batch.length} images finished in ${formatSeconds(seconds)}.`
          : `Image finished in ${formatSeconds(picture.seconds)}.`,
    });
  }

  cancelled(): void {
    this.#say({ text: 'Cancelled.' });
  }

  fail(error: unknown, request?: AskedRequest): void {
    if (!this.#page.visible) {
      void reportError(this.#services.log, error);
      return;
    }
    this.#services.log.error(error instanceof Error ? error : String(error));
    this.#failed = request;
    const again = request !== undefined && !(error instanceof InputError);
    this.#page.update({
      failure: { ...failureOf(error), again },
      notice: undefined,
    });
  }

  /** Shows an image, unless something else is to be shown before its facts are known. */
  async show(found: PictureInfo | Promise<PictureInfo>): Promise<void> {
    const isLast = this.#looks.begin();
    const picture = await found;
    const words = await wordsOf(picture.request);
    const isListed = this.#page.state.pictures.some(({ id }) => id === picture.id);
    const pictures = isListed ? undefined : await this.#listed(picture.id);
    if (!isLast()) return;
    const unknown = words ? unknownWords(words, picture.recipe.prompt) : [];
    this.#look({
      ...(pictures && { pictures }),
      shown: picture.id,
      grid: undefined,
      following: false,
      unknown,
      notice: undefined,
      failure: undefined,
    });
  }

  /** The same of an image of the gallery, whose control and reference images are known. */
  useRecipeOf({ recipe, asked, request }: PictureInfo): void {
    this.useRecipe(recipe, { additions: additionsOf(asked ?? request), loras: request.loras ?? [] });
  }

  /** Fills the form with a recipe. @param given what of it is known with its files, of an image of the gallery */
  useRecipe(recipe: ParsedRecipe, given?: { additions: Additions; loras: readonly LoraChoice[] }): void {
    const { model } = recipe;
    const here = this.#page.state.facts?.models.find(({ id }) => id === model);
    const { additions, loras } = given ?? {};
    const draft = draftOfRecipe(recipe, here?.id, loras);
    this.#page.fill({ ...draft, ...(additions && { additions }), count: '1' });
    const missing = model && model !== 'scenes' && !here;
    const text = missing
      ? `The form has the recipe, but its model ${model} is not on this machine.`
      : 'The form has the recipe.';
    this.#say({ text: [text, ...lostFromForm(recipe), ...(recipe.notes ?? [])].join(' ') });
  }

  #say(done: Done | undefined): void {
    this.#next = done?.next;
    const notice = done && { text: done.text, ...(done.next && { action: done.next.title }) };
    this.#page.update({ notice, failure: undefined });
  }

  /** Handles a message of the page. Errors are shown, never thrown. */
  async #receive(message: PageMessage): Promise<void> {
    try {
      await handle(this.#handlers, message);
    } catch (error) {
      if (!isAbort(error)) this.fail(error);
    }
  }

  /** Performs an action of a button or the context menu. */
  async act(action: ImageAction, ids: readonly string[]): Promise<void> {
    switch (action) {
      case 'show':
        return await this.show(one(this.#services, ids));
      case 'useRecipe':
        return this.useRecipeOf(await one(this.#services, ids));
      case 'upscale': {
        const picture = await upscaleStored(this.#services, await one(this.#services, ids));
        if (!picture?.upscaled) return;
        await this.#refreshPictures();
        await this.show(picture);
        return this.#say({ text: upscaledNotice(picture.upscaled, picture.seconds) });
      }
      default:
        this.#say(await actOn(this.#services, action, ids));
    }
  }

  /** The page has the clipboard. */
  copy(id: string): void {
    this.#page.tell({ type: 'copy', id });
  }

  /** A quick image of the form as it stands. An incomplete form has none. */
  async #drawDraft(): Promise<void> {
    if (!DRAFTING.isOn) return;
    let request: AskedRequest;
    try {
      request = withSettings(requestOf(this.#draft, stylesNow()));
    } catch {
      this.#drafts.clear();
      return;
    }
    await this.#drafts.draw(request);
  }

  /** Shows the latest image, if nothing else is to be shown. */
  async #showLatest(): Promise<void> {
    const isLast = this.#looks.begin();
    const [latest] = await this.#services.gallery.list();
    if (latest && isLast() && !this.#page.state.following && !this.#page.state.shown) await this.show(latest);
  }

  async #refreshPictures(): Promise<void> {
    const isLast = this.#picturesAsked.begin();
    const { shown } = this.#page.state;
    const pictures = await this.#listed(shown);
    if (!isLast()) return;
    // Another image is shown by now, which may be an older one.
    if (this.#page.state.shown !== shown) return await this.#refreshPictures();
    const there = pictures.some(({ id }) => id === shown);
    this.#page.update({ pictures, ...(!there && { shown: pictures.at(-1)?.id }) });
  }

  /** The gallery's latest images, and the shown one if that is older, the oldest first. */
  async #listed(shown: string | undefined): Promise<ViewState['pictures']> {
    const { gallery } = this.#services;
    const latest = (await gallery.list()).slice(0, RECENT).reverse();
    const older = shown && !latest.some(({ id }) => id === shown) ? await gallery.find(shown) : undefined;
    return await Promise.all(
      [...(older ? [older] : []), ...latest].map(async (picture) => ({
        ...picture,
        thumbnail: this.#page.address(await gallery.thumbnail(picture.id)),
        file: picture.savedAs ?? uriOf(gallery.file(picture.id)).toString(),
      })),
    );
  }

  async #refreshFacts(): Promise<void> {
    const isLast = this.#factsAsked.begin();
    const facts = await factsFor(this.#draft, this.#services.pace);
    if (isLast()) this.#page.update({ facts });
  }
}

function interruptedIn({ runs }: Services): ViewState['interrupted'] {
  return runs.interrupted.map(({ id, request }) => ({ id, prompt: request.prompt }));
}
