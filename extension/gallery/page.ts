import { commands, env, type WebviewPanel, type WebviewView, window } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import type { PictureInfo } from '../../shared/gallery.ts';
import type {
  GalleryHostMessage,
  GalleryPageMessage,
  GalleryPicture,
  GalleryState,
} from '../../shared/galleryProtocol.ts';
import type { ImageAction } from '../../shared/imageActions.ts';
import { confirmed } from '../messages.ts';
import { closeUnfilled, PageHost } from '../pageHost.ts';
import { checkGalleryMessage } from '../pageMessages.ts';
import { failureOf, openSettings } from '../report.ts';
import type { Services } from '../services.ts';
import { uriOf } from '../storedUri.ts';
import { upscaledNotice, upscaleStored } from '../upscale/upscale.ts';
import { ImageView } from '../view/view.ts';
import { actOn, type Done, one } from './actions.ts';

export const GALLERY_TYPE = 'patchwork.gallery';
export const GALLERY_VIEW = 'patchwork.galleryView';

/** The page of the gallery, in an editor tab or in the side bar. */
export class GalleryPage {
  /** The one in a tab, if it is open. */
  static #tab: { panel: WebviewPanel; page: GalleryPage } | undefined;
  static #sideBar: GalleryPage | undefined;

  readonly #services: Services;
  readonly #page: PageHost<GalleryHostMessage, GalleryPageMessage>;
  #state: GalleryState;
  #next: Done['next'];

  static open(services: Services): void {
    if (GalleryPage.#tab) {
      GalleryPage.#tab.panel.reveal();
      return;
    }
    const viewColumn = closeUnfilled(GALLERY_TYPE) ?? window.tabGroups.activeTabGroup.viewColumn;
    GalleryPage.fill(services, window.createWebviewPanel(GALLERY_TYPE, 'Patchwork Gallery', viewColumn));
  }

  /** Fills a panel, also one that VS Code brought back. */
  static fill(services: Services, panel: WebviewPanel): void {
    GalleryPage.#tab = { panel, page: new GalleryPage(services, panel, false) };
    panel.onDidDispose(() => {
      GalleryPage.#tab = undefined;
    });
  }

  static fillSideBar(services: Services, view: WebviewView): void {
    GalleryPage.#sideBar = new GalleryPage(services, view, true);
    view.onDidDispose(() => {
      GalleryPage.#sideBar = undefined;
    });
  }

  /** The open page of a webview's id. */
  static of(id: string): GalleryPage | undefined {
    return id === GALLERY_VIEW ? GalleryPage.#sideBar : GalleryPage.#tab?.page;
  }

  private constructor(services: Services, panel: WebviewPanel | WebviewView, inSideBar: boolean) {
    this.#services = services;
    this.#state = { pictures: [], deleted: [], inSideBar };
    const { gallery } = services;
    this.#page = new PageHost(panel, services.extensionUri, {
      name: 'gallery',
      title: 'Patchwork Gallery',
      roots: [uriOf(gallery.folder)],
      check: checkGalleryMessage,
      onReady: () => void this.#refresh(),
      onMessage: (message) => void this.#receive(message),
    });
    panel.onDidDispose(gallery.onDidChange(() => void this.#refresh()));
  }

  async act(action: ImageAction, ids: readonly string[]): Promise<void> {
    switch (action) {
      case 'show': {
        const picture = await one(this.#services, ids);
        return await ImageView.show(this.#services).show(picture);
      }
      case 'useRecipe': {
        const picture = await one(this.#services, ids);
        return ImageView.show(this.#services).useRecipeOf(picture);
      }
      case 'upscale': {
        const picture = await upscaleStored(this.#services, await one(this.#services, ids));
        const show = async () => await ImageView.show(this.#services).show(picture!);
        if (picture?.upscaled)
          this.#say({
            text: upscaledNotice(picture.upscaled, picture.seconds),
            next: { title: 'Show', run: show },
          });
        return;
      }
      default:
        this.#say(await actOn(this.#services, action, ids));
    }
  }

  /** The page has the clipboard. */
  copy(id: string): void {
    this.#page.post({ type: 'copy', id });
  }

  fail(error: unknown): void {
    this.#services.log.error(error instanceof Error ? error : String(error));
    this.#update({ failure: failureOf(error), notice: undefined });
  }

  async #refresh(): Promise<void> {
    if (!this.#page.ready) return;
    const { gallery } = this.#services;
    const [pictures, deleted, usage] = [
      await gallery.list(),
      this.#state.inSideBar ? [] : await gallery.deleted(),
      this.#state.inSideBar ? undefined : await gallery.usage(),
    ];
    this.#update({
      pictures: await Promise.all(pictures.map((picture) => this.#addressed(picture, false))),
      deleted: await Promise.all(deleted.map((picture) => this.#addressed(picture, true))),
      usage,
    });
  }

  async #addressed(picture: PictureInfo, deleted: boolean): Promise<GalleryPicture> {
    const { gallery } = this.#services;
    const file = gallery.file(picture.id, deleted);
    return {
      ...picture,
      thumbnail: this.#page.address(await gallery.thumbnail(picture.id, deleted)),
      address: this.#page.address(file),
      file: picture.savedAs ?? uriOf(file).toString(),
    };
  }

  #say(done: Done | undefined): void {
    this.#next = done?.next;
    const notice = done && { text: done.text, ...(done.next && { action: done.next.title }) };
    this.#update({ notice, failure: undefined });
  }

  #update(change: Partial<GalleryState>): void {
    this.#state = { ...this.#state, ...change };
    this.#page.post({ type: 'state', state: this.#state });
  }

  async #receive(message: GalleryPageMessage): Promise<void> {
    try {
      await this.#handle(message);
    } catch (error) {
      if (!isAbort(error)) this.fail(error);
    }
  }

  async #handle(message: GalleryPageMessage): Promise<void> {
    const { gallery, log } = this.#services;
    switch (message.type) {
      case 'act':
        return await this.act(message.action, message.ids);
      case 'fetch':
        return this.#page.post({
          type: 'picture',
          id: message.id,
          png: await gallery.bytes(message.id),
        });
      case 'noticeAction': {
        const next = this.#next;
        this.#say(undefined);
        await next?.run();
        return;
      }
      case 'copied':
        return this.#say({ text: 'Copied the image.' });
      case 'copyFailed':
        throw new Error(`The image could not be copied: ${message.reason}`);
      case 'clear':
        return await this.#clear();
      case 'changeLimit':
        return void (await commands.executeCommand(
          'workbench.action.openSettings',
          'patchwork.galleryLimit',
        ));
      case 'openFolder':
        return void (await env.openExternal(uriOf(gallery.folder)));
      case 'openGallery':
        return GalleryPage.open(this.#services);
      case 'generate':
        return void (await commands.executeCommand('patchwork.openView'));
      case 'showLog':
        return log.show();
      case 'openSettings':
        return await openSettings();
    }
  }

  async #clear(): Promise<void> {
    const { images, deleted } = await this.#services.gallery.usage();
    const count = images + deleted;
    const detail =
      'This cannot be undone. Files that you saved elsewhere, in your workspace for example, are not touched.';
    const question = `Remove ${count === 1 ? 'the image' : `all ${count} images`} of the gallery from this machine?`;
    if (!(await confirmed(question, 'Clear Gallery', { detail: [detail] }))) return;
    await this.#services.gallery.clear();
    this.#say({ text: 'The gallery is empty.' });
  }
}
