import {
  commands,
  type Disposable,
  type LogOutputChannel,
  type Progress,
  ProgressLocation,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import type { Engine, GenerateProgress, GenerateRequest, GenerateResult } from '../engine/api.ts';
import { InputError, isAbort, messageOf } from '../engine/errors.ts';
import { describeRun, formatSeconds } from '../webview/format.ts';
import type {
  Draft,
  HostMessage,
  PageMessage,
  PictureInfo,
  RunState,
  ViewState,
} from '../webview/protocol.ts';
import { parseSeed } from '../webview/seed.ts';
import { saveByDialog, saveToWorkspace } from './destination.ts';
import type { PromptHistory } from './history.ts';
import { pageHtml, pageRoots } from './html.ts';
import { insertLink } from './insertLink.ts';
import type { LastEditor } from './lastEditor.ts';
import type { PictureStore } from './pictures.ts';
import { openSettings, reportError } from './report.ts';
import { withSettings } from './requests.ts';
import { readSavedView } from './savedView.ts';

export const VIEW_TYPE = 'patchwork.view';

/** How many pictures a view lists; older ones leave the list. */
const LISTED = 24;

/** Milliseconds between reports to the notification. */
const NOTIFY_INTERVAL = 250;

/** What views need of the rest of the extension. */
export interface Services {
  extensionUri: Uri;
  engine: Engine;
  pictures: PictureStore;
  history: PromptHistory;
  lastEditor: LastEditor;
  log: LogOutputChannel;
}

/** A Patchwork view: makes pictures and shows them, in an editor tab. */
export class PictureView implements Disposable {
  static readonly #open = new Set<PictureView>();

  readonly #panel: WebviewPanel;
  readonly #services: Services;
  #state: ViewState = { pictures: [] };
  /** A draft that the page has not been told. */
  #draft: Draft | undefined;
  #preview: GenerateProgress['preview'];
  #run: AbortController | undefined;
  /** The page is loaded and listens. */
  #ready = false;
  #closed = false;

  /** A visible view that is idle, else a new one beside the text. */
  static open(services: Services): PictureView {
    for (const view of PictureView.#open) {
      if (view.#panel.visible && !view.#run) {
        view.#panel.reveal(undefined, false);
        return view;
      }
    }
    const column = window.activeTextEditor ? ViewColumn.Beside : ViewColumn.Active;
    return new PictureView(services, window.createWebviewPanel(VIEW_TYPE, 'Patchwork', column));
  }

  /** Fills a panel that VS Code brought back after the window was reloaded. */
  static async restore(services: Services, panel: WebviewPanel, saved: unknown): Promise<PictureView> {
    const { pictures: ids, shown } = readSavedView(saved);
    const found = await Promise.all(ids.slice(-LISTED).map((id) => services.pictures.find(id)));
    const view = new PictureView(services, panel);
    const pictures = found.filter((picture) => picture !== undefined);
    view.#update({ pictures, shown: pictures.find(({ id }) => id === shown)?.id ?? pictures.at(-1)?.id });
    return view;
  }

  private constructor(services: Services, panel: WebviewPanel) {
    this.#services = services;
    this.#panel = panel;
    PictureView.#open.add(this);
    panel.iconPath = Uri.joinPath(services.extensionUri, 'media/patchwork.svg');
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(services.extensionUri) };
    panel.webview.onDidReceiveMessage((message: PageMessage) => this.#receive(message));
    panel.onDidChangeViewState(() => {
      // VS Code unloads the page of a hidden tab.
      if (!panel.visible) this.#ready = false;
    });
    panel.onDidDispose(() => this.dispose());
    panel.webview.html = pageHtml(panel.webview, services.extensionUri, 'view', 'Patchwork');
  }

  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    PictureView.#open.delete(this);
    this.#run?.abort();
    this.#panel.dispose();
  }

  /** Makes a picture and shows it; errors are shown too. */
  async generate(request: GenerateRequest): Promise<void> {
    if (this.#run) return;
    const run = new AbortController();
    this.#run = run;
    this.#preview = undefined;
    this.#panel.title = title(request.prompt);
    this.#tellDraft({
      prompt: request.prompt,
      negativePrompt: request.negativePrompt ?? '',
      seed: request.seed === undefined ? '' : String(request.seed),
    });
    this.#update({
      run: { stage: 'wait', step: 0, steps: request.steps ?? 0, cancelling: false },
      failure: undefined,
      notice: undefined,
    });
    try {
      await this.#services.history.add(request.prompt);
      const result = await this.#generateWithNotification(request, run);
      const picture = await this.#services.pictures.add(request, result);
      this.#services.log.info(`${JSON.stringify(picture.recipe)}: ${formatSeconds(picture.seconds)}`);
      this.#update({ pictures: [...this.#state.pictures, picture].slice(-LISTED), shown: picture.id });
      this.#notice([`Picture finished in ${formatSeconds(picture.seconds)}.`, ...picture.warnings].join(' '));
    } catch (error) {
      if (isAbort(error)) this.#notice('Cancelled.');
      else this.#fail(error);
    } finally {
      this.#run = undefined;
      this.#preview = undefined;
      this.#update({ run: undefined });
    }
  }

  #generateWithNotification(request: GenerateRequest, run: AbortController): Thenable<GenerateResult> {
    const options = {
      location: ProgressLocation.Notification,
      title: `Generating “${shorten(request.prompt, 60)}”`,
      cancellable: true,
    };
    return window.withProgress(options, (notification, token) => {
      token.onCancellationRequested(() => this.#cancel());
      const tell = notificationProgress(notification);
      const onProgress = ({ preview, ...progress }: GenerateProgress) => {
        const state: RunState = { ...progress, cancelling: run.signal.aborted };
        tell(state);
        if (preview) {
          this.#preview = preview;
          this.#post({ type: 'preview', png: bytesOf(preview.png) });
        }
        this.#update({ run: state });
      };
      return this.#services.engine.generate(request, { signal: run.signal, onProgress });
    });
  }

  #cancel(): void {
    if (!this.#run || this.#run.signal.aborted) return;
    this.#run.abort();
    if (this.#state.run) this.#update({ run: { ...this.#state.run, cancelling: true } });
  }

  /** Does what the page asks; whatever goes wrong is shown, never thrown. */
  async #receive(message: PageMessage): Promise<void> {
    try {
      await this.#handle(message);
    } catch (error) {
      if (!this.#closed) this.#fail(error);
    }
  }

  async #handle(message: PageMessage): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        this.#tellAll();
        break;
      case 'generate':
        await this.generate(this.#requestOf(message.draft));
        break;
      case 'again':
        await this.generate({ ...this.#picture(message.id).request, seed: undefined });
        break;
      case 'cancel':
        this.#cancel();
        break;
      case 'show':
        this.#update({ shown: this.#picture(message.id).id, notice: undefined });
        break;
      case 'fetch':
        await this.#tellPicture(this.#picture(message.id));
        break;
      case 'save':
        await this.#save(this.#picture(message.id));
        break;
      case 'openSaved':
        await commands.executeCommand('vscode.open', this.#savedUri(this.#picture(message.id)));
        break;
      case 'insertLink':
        await this.#insertLink(this.#picture(message.id));
        break;
      case 'copied':
        this.#notice('Copied the picture.');
        break;
      case 'copyFailed':
        throw new Error(`The picture could not be copied: ${message.reason}`);
      case 'showLog':
        this.#services.log.show();
        break;
      case 'openSettings':
        await openSettings();
        break;
    }
  }

  #requestOf({ prompt, negativePrompt, seed }: Draft): GenerateRequest {
    if (!prompt.trim()) throw new InputError('Say first what the picture should show.');
    const parsed = parseSeed(seed);
    if (parsed === null)
      throw new InputError(`A seed is a whole number from 0 to 4294967295, not “${seed}”.`);
    return withSettings({ prompt: prompt.trim(), negativePrompt: negativePrompt.trim(), seed: parsed });
  }

  /** Saves a picture unless it is saved already; undefined if the user changed their mind. */
  async #save(picture: PictureInfo): Promise<Uri | undefined> {
    const saved = this.#savedUri(picture);
    if (saved && (await exists(saved))) {
      this.#notice(`Saved as ${workspace.asRelativePath(saved)}.`);
      return saved;
    }
    const png = await this.#services.pictures.bytes(picture.id);
    const near = this.#services.lastEditor.place?.document.uri;
    const target =
      (await saveToWorkspace(picture.recipe, png, near)) ?? (await saveByDialog(picture.recipe, png));
    if (!target) return undefined;
    const updated = { ...picture, savedAs: target.toString() };
    await this.#services.pictures.update(updated);
    this.#update({
      pictures: this.#state.pictures.map((other) => (other.id === picture.id ? updated : other)),
    });
    this.#notice(`Saved as ${workspace.asRelativePath(target)}.`);
    return target;
  }

  async #insertLink(picture: PictureInfo): Promise<void> {
    const target = await this.#save(picture);
    if (!target) return;
    const document = await insertLink(this.#services.lastEditor, target, picture.recipe.prompt);
    this.#notice(`Inserted a link into ${document}.`);
  }

  #savedUri(picture: PictureInfo): Uri | undefined {
    return picture.savedAs ? Uri.parse(picture.savedAs) : undefined;
  }

  #picture(id: string): PictureInfo {
    const picture = this.#state.pictures.find((picture) => picture.id === id);
    if (!picture) throw new Error('That picture is not kept any more.');
    return picture;
  }

  /** In the page if it is seen, else as a notification: once. */
  #fail(error: unknown): void {
    if (this.#panel.visible) {
      this.#services.log.error(error instanceof Error ? error : String(error));
      this.#update({ failure: { message: messageOf(error), settings: error instanceof InputError } });
    } else {
      void reportError(this.#services.log, error);
    }
  }

  #notice(text: string): void {
    this.#update({ notice: text });
  }

  #update(change: Partial<ViewState>): void {
    this.#state = { ...this.#state, ...change };
    if (change.shown) this.#panel.title = title(this.#picture(change.shown).recipe.prompt);
    this.#post({ type: 'state', state: this.#state });
  }

  #tellDraft(draft: Draft): void {
    if (this.#ready) this.#post({ type: 'draft', draft });
    else this.#draft = draft;
  }

  /** All that a page needs that has just been loaded, which happens each time its tab comes to the front. */
  #tellAll(): void {
    if (this.#draft) this.#post({ type: 'draft', draft: this.#draft });
    this.#draft = undefined;
    this.#post({ type: 'state', state: this.#state });
    if (this.#preview) this.#post({ type: 'preview', png: bytesOf(this.#preview.png) });
  }

  async #tellPicture({ id }: PictureInfo): Promise<void> {
    this.#post({ type: 'picture', id, png: await this.#services.pictures.bytes(id) });
  }

  /** A page that is hidden or not loaded yet is told everything when it is ready. */
  #post(message: HostMessage): void {
    if (this.#ready && !this.#closed) void this.#panel.webview.postMessage(message);
  }
}

/** Reports to a notification, but not so often that drawing it takes the time of everything else. */
function notificationProgress(notification: Progress<{ message: string; increment: number }>) {
  let percent = 0;
  let last = 0;
  return (run: RunState) => {
    const now = Date.now();
    if (now - last < NOTIFY_INTERVAL && run.stage === 'denoise') return;
    last = now;
    const reached = run.steps ? (run.step / run.steps) * 100 : 0;
    notification.report({ message: describeRun(run), increment: reached - percent });
    percent = reached;
  };
}

function title(prompt: string): string {
  return `Patchwork: ${shorten(prompt, 24)}`;
}

function shorten(text: string, length: number): string {
  const characters = [...text.replace(/\s+/g, ' ')];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** Bytes in a buffer of their own, as messages to a page need them. */
function bytesOf(png: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(png);
}

async function exists(uri: Uri): Promise<boolean> {
  return await workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
