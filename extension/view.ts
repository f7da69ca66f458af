import { commands, type Uri, ViewColumn, type WebviewPanel, window, workspace } from 'vscode';
import { InputError, isAbort, messageOf } from '../engine/errors.ts';
import type { GenerateProgress, GenerateRequest } from '../shared/api.ts';
import { formatSeconds } from '../shared/format.ts';
import { parseSeed, SEED_RULE } from '../shared/seed.ts';
import type { Draft, PageMessage, PictureInfo, RunState } from '../shared/viewProtocol.ts';
import { openEditor } from './editor/provider.ts';
import { insertLink } from './insertLink.ts';
import { keepPicture, savedUri } from './keepPicture.ts';
import { withRunNotification } from './notification.ts';
import { openSettings, reportError } from './report.ts';
import { asNow, withSettings } from './requests.ts';
import { readSavedView } from './savedView.ts';
import type { Services } from './services.ts';
import { ViewPage } from './viewPage.ts';
import { reached } from './walkthrough.ts';

export const VIEW_TYPE = 'patchwork.view';

/** How many pictures a view lists; older ones leave the list. */
const LISTED = 24;

/** A Patchwork view: makes pictures and shows them, in an editor tab. */
export class PictureView {
  static readonly #open = new Set<PictureView>();

  readonly #services: Services;
  readonly #page: ViewPage;
  #run: AbortController | undefined;

  /** A visible view that is idle, else a new one beside the text. */
  static open(services: Services): PictureView {
    for (const view of PictureView.#open) {
      if (!view.#page.visible || view.#run) continue;
      view.#page.reveal();
      return view;
    }
    const column = window.activeTextEditor ? ViewColumn.Beside : ViewColumn.Active;
    return new PictureView(services, window.createWebviewPanel(VIEW_TYPE, 'Patchwork', column));
  }

  /** Fills a panel that VS Code brought back after the window was reloaded. */
  static async restore(services: Services, panel: WebviewPanel, saved: unknown): Promise<void> {
    const { pictures: ids, shown: shownId } = readSavedView(saved);
    const found = await Promise.all(ids.slice(-LISTED).map((id) => services.pictures.find(id)));
    const pictures = found.filter((picture) => picture !== undefined);
    const view = new PictureView(services, panel);
    view.#page.update({ pictures });
    const shown = pictures.find(({ id }) => id === shownId) ?? pictures.at(-1);
    if (shown) view.#show(shown);
  }

  private constructor(services: Services, panel: WebviewPanel) {
    this.#services = services;
    this.#page = new ViewPage(panel, services.extensionUri, (message) => void this.#receive(message));
    PictureView.#open.add(this);
    panel.onDidDispose(() => {
      PictureView.#open.delete(this);
      this.#run?.abort();
    });
  }

  /** Makes a picture and shows it; errors are shown too. */
  async generate(request: GenerateRequest): Promise<void> {
    if (this.#run) return;
    this.#run = new AbortController();
    this.#page.setTitle(request.prompt);
    this.#page.setDraft(draftOf(request));
    this.#page.update({
      run: { stage: 'wait', step: 0, steps: request.steps ?? 0, cancelling: false },
      failure: undefined,
      notice: undefined,
    });
    try {
      const picture = await this.#make(request, this.#run.signal);
      this.#page.update({ pictures: [...this.#page.state.pictures, picture].slice(-LISTED) });
      this.#show(picture);
      reached('generated');
      this.#notice([`Picture finished in ${formatSeconds(picture.seconds)}.`, ...picture.warnings].join(' '));
    } catch (error) {
      if (isAbort(error)) this.#notice('Cancelled.');
      else this.#fail(error);
    } finally {
      this.#run = undefined;
      this.#page.update({ run: undefined });
    }
  }

  async #make(request: GenerateRequest, signal: AbortSignal): Promise<PictureInfo> {
    const { engine, denseSpeed, history, log, pictures } = this.#services;
    await history.add(request.prompt);
    const cancel = () => this.#cancel();
    const result = await withRunNotification(request.prompt, cancel, (tell) => {
      const onProgress = ({ preview, ...progress }: GenerateProgress) => {
        const run: RunState = { ...progress, cancelling: signal.aborted };
        tell(run);
        if (preview) this.#page.setPreview(preview.png);
        this.#page.update({ run });
      };
      return engine.generate(request, { signal, onProgress });
    });
    log.info(`${JSON.stringify(result.recipe)}: ${formatSeconds(result.seconds)}`);
    if (!result.workers) await denseSpeed.learn(request, result.recipe, 'step', result.stepSeconds);
    return await pictures.add(request, result);
  }

  #cancel(): void {
    this.#run?.abort();
    const { run } = this.#page.state;
    if (run) this.#page.update({ run: { ...run, cancelling: true } });
  }

  /** Does what the page asks; whatever goes wrong is shown, never thrown. */
  async #receive(message: PageMessage): Promise<void> {
    try {
      await this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #handle(message: PageMessage): Promise<void> {
    switch (message.type) {
      case 'generate':
        await this.generate(requestOf(message.draft));
        break;
      case 'again':
        await this.generate(asNow({ ...this.#picture(message.id).request, seed: undefined }));
        break;
      case 'cancel':
        this.#cancel();
        break;
      case 'show':
        this.#show(this.#picture(message.id));
        break;
      case 'fetch':
        await this.#fetch(this.#picture(message.id));
        break;
      case 'save':
        await this.#save(this.#picture(message.id));
        break;
      case 'openSaved':
        await commands.executeCommand('vscode.open', savedUri(this.#picture(message.id)));
        break;
      case 'insertLink':
        await this.#insertLink(this.#picture(message.id));
        break;
      case 'edit':
        await this.#edit(this.#picture(message.id));
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

  async #fetch(picture: PictureInfo): Promise<void> {
    this.#page.tellPicture(picture, await this.#services.pictures.bytes(picture.id));
  }

  /** The file that the picture is saved to now; undefined if the user changed their mind. */
  async #save(picture: PictureInfo): Promise<Uri | undefined> {
    const kept = await keepPicture(this.#services, picture);
    const target = kept && savedUri(kept);
    if (!target) return undefined;
    const pictures = this.#page.state.pictures.map((other) => (other.id === kept.id ? kept : other));
    this.#page.update({ pictures });
    this.#notice(`Saved as ${workspace.asRelativePath(target)}.`);
    return target;
  }

  async #edit(picture: PictureInfo): Promise<void> {
    const target = await this.#save(picture);
    if (target) await openEditor(target);
  }

  async #insertLink(picture: PictureInfo): Promise<void> {
    const target = await this.#save(picture);
    if (!target) return;
    const document = await insertLink(this.#services.lastEditor, target, picture.recipe.prompt);
    this.#notice(`Inserted a link into ${document}.`);
  }

  #picture(id: string): PictureInfo {
    const picture = this.#page.state.pictures.find((picture) => picture.id === id);
    if (!picture) throw new Error('That picture is not kept any more.');
    return picture;
  }

  #show(picture: PictureInfo): void {
    this.#page.setTitle(picture.recipe.prompt);
    this.#page.update({ shown: picture.id, notice: undefined });
  }

  #notice(notice: string): void {
    this.#page.update({ notice, failure: undefined });
  }

  /** In the page if it is seen, else as a notification: once. */
  #fail(error: unknown): void {
    if (!this.#page.visible) {
      void reportError(this.#services.log, error);
      return;
    }
    this.#services.log.error(error instanceof Error ? error : String(error));
    this.#page.update({ failure: { message: messageOf(error), settings: error instanceof InputError } });
  }
}

function draftOf({ prompt, negativePrompt = '', seed }: GenerateRequest): Draft {
  return { prompt, negativePrompt, seed: seed === undefined ? '' : String(seed) };
}

/** @throws InputError if the form is not filled in as it must be */
function requestOf({ prompt, negativePrompt, seed: typedSeed }: Draft): GenerateRequest {
  const seed = parseSeed(typedSeed);
  if (!prompt.trim()) throw new InputError('Say first what the picture should show.');
  if (seed === null) {
    throw new InputError(`${SEED_RULE}, not “${typedSeed}”.`);
  }
  return withSettings({ prompt: prompt.trim(), negativePrompt: negativePrompt.trim(), seed });
}
