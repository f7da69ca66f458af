import { env, Uri, ViewColumn, type WebviewPanel, window, workspace } from 'vscode';
import { benchmarkCost } from '../../engine/benchmark/cost.ts';
import { InputError, isAbort } from '../../engine/errors.ts';
import type { BenchmarkProgress, BenchmarkRequest, BenchmarkResult } from '../../shared/api.ts';
import { describeBenchmark } from '../../shared/benchmark/progress.ts';
import type {
  BenchmarkDraft,
  BenchmarkHostMessage,
  BenchmarkPageMessage,
  BenchmarkRun,
  BenchmarkState,
  ExportFormat,
  StoredRun,
} from '../../shared/benchmark/protocol.ts';
import { subjectTitle } from '../../shared/benchmark/titles.ts';
import { noteBenchmark } from '../denseSpeed.ts';
import { PageHost } from '../pageHost.ts';
import { failureOf, openSettings, reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { threadSetting } from '../settings.ts';
import { costSentences } from './cost.ts';
import { confirmDelete, exportRuns, importRun, pickMaskFile, pickModelFolder } from './dialogs.ts';
import { toMarkdown } from './export.ts';
import { offers, takenBy } from './offers.ts';
import { PRESETS } from './presets.ts';
import { precisionsOf, requestOf, subjectOf, workersOf } from './request.ts';
import { savedShown } from './savedBenchmark.ts';
import { type BenchmarkStore, summaryOf } from './store.ts';

export const BENCHMARK_TYPE = 'patchwork.benchmark';

/** The most runs that are compared at once. */
const SHOWN = 4;

/** The benchmark panel: runs benchmarks, keeps them, compares them, in an editor tab. There is one. */
export class BenchmarkPanel {
  static #open: BenchmarkPanel | undefined;

  readonly #services: Services;
  readonly #store: BenchmarkStore;
  readonly #page: PageHost<BenchmarkHostMessage, BenchmarkPageMessage>;
  #state: BenchmarkState;
  #run: AbortController | undefined;

  static open(services: Services): void {
    if (BenchmarkPanel.#open) BenchmarkPanel.#open.#page.reveal();
    else BenchmarkPanel.#adopt(services, createPanel(), []);
  }

  /** Fills a panel that VS Code brought back after the window was reloaded. */
  static restore(services: Services, panel: WebviewPanel, saved: unknown): void {
    BenchmarkPanel.#adopt(services, panel, savedShown(saved));
  }

  static #adopt(services: Services, panel: WebviewPanel, shown: string[]): void {
    const opened = new BenchmarkPanel(services, panel);
    BenchmarkPanel.#open = opened;
    panel.onDidDispose(() => {
      if (BenchmarkPanel.#open === opened) BenchmarkPanel.#open = undefined;
      opened.#run?.abort();
    });
    void opened.#attempt(() => opened.#load(shown));
  }

  private constructor(services: Services, panel: WebviewPanel) {
    this.#services = services;
    this.#store = services.benchmarks;
    this.#state = { offers: offers(), runs: [], shown: [], cost: [] };
    this.#page = new PageHost(panel, services.extensionUri, {
      name: 'benchmark',
      title: 'Patchwork Benchmark',
      onReady: () => this.#update({}),
      onMessage: (message) => void this.#attempt(() => this.#handle(message)),
    });
  }

  async #load(shown: string[]): Promise<void> {
    const runs = await this.#store.list();
    this.#update({ runs });
    await this.#show(shown.length > 0 ? shown : runs.slice(0, 1).map(({ id }) => id));
    const presets = await Promise.all(
      PRESETS.map(async ({ id, title, description, ...preset }) => {
        const request = await preset.request(this.#services.extensionUri);
        return { id, title, description, cost: await this.#costOf(request) };
      }),
    );
    this.#update({ offers: { ...this.#state.offers, presets } });
  }

  async #handle(message: BenchmarkPageMessage): Promise<void> {
    switch (message.type) {
      case 'estimate':
        this.#update({ cost: await this.#estimate(message.draft) });
        break;
      case 'run':
        await this.#start(await this.#requestOf(message.draft, message.drawn));
        break;
      case 'preset':
        await this.#preset(message.id);
        break;
      case 'cancel':
        this.#cancel();
        break;
      case 'show':
        await this.#show(message.ids);
        break;
      case 'delete':
        await this.#delete(message.id);
        break;
      case 'fetch':
        await this.#fetch(message.run, message.name);
        break;
      case 'export':
        await this.#export(message.format);
        break;
      case 'import':
        await this.#import();
        break;
      case 'copy':
        await env.clipboard.writeText(toMarkdown(this.#state.shown));
        this.#update({ notice: 'Copied the table as Markdown.' });
        break;
      case 'pickModel':
        this.#fill('folder', await pickModelFolder());
        break;
      case 'pickMask':
        this.#fill('maskFile', await pickMaskFile());
        break;
      case 'showLog':
        this.#services.log.show();
        break;
      case 'openSettings':
        await openSettings();
        break;
    }
  }

  /** Does what was asked; whatever goes wrong is shown, never thrown. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #requestOf(draft: BenchmarkDraft, drawn: Uint8Array | undefined): Promise<BenchmarkRequest> {
    const readFile = async (file: string) => new Uint8Array(await workspace.fs.readFile(Uri.file(file)));
    return requestOf(draft, takenBy(draft), { drawn, readFile });
  }

  async #preset(id: string): Promise<void> {
    const preset = PRESETS.find((other) => other.id === id);
    if (preset) await this.#start(await preset.request(this.#services.extensionUri));
  }

  async #start(request: BenchmarkRequest): Promise<void> {
    if (this.#run) return;
    this.#run = new AbortController();
    const { signal } = this.#run;
    const { engine, denseSpeed, log } = this.#services;
    this.#update({
      run: { stage: 'wait', done: 0, total: 0, cancelling: false },
      failure: undefined,
      notice: undefined,
    });
    try {
      const asked = { threads: this.#threads, ...request };
      const onProgress = (progress: BenchmarkProgress) =>
        this.#tell({ ...progress, cancelling: signal.aborted });
      const result = await engine.benchmark(asked, { signal, onProgress });
      await noteBenchmark(denseSpeed, asked, result);
      const subject = subjectTitle(result.report);
      log.info(`Benchmark: ${subject}`);
      await this.#add(result, `Finished: ${subject}.`);
    } catch (error) {
      if (isAbort(error)) this.#update({ notice: 'Cancelled.' });
      else this.#fail(error);
    } finally {
      this.#run = undefined;
      this.#update({ run: undefined });
    }
  }

  /** The setting's. */
  get #threads(): number | undefined {
    return threadSetting((name) => workspace.getConfiguration('patchwork').get(name));
  }

  async #add(result: BenchmarkResult, notice: string): Promise<void> {
    const run = await this.#store.add(result);
    const runs = [summaryOf(run), ...this.#state.runs].sort((a, b) => b.date.localeCompare(a.date));
    this.#update({ runs, shown: [run], notice });
  }

  #tell(run: BenchmarkRun): void {
    const before = this.#state.run;
    // Weights are written in small pieces; nobody sees each.
    if (before?.stage === run.stage && describeBenchmark(before) === describeBenchmark(run)) return;
    this.#update({ run });
  }

  #cancel(): void {
    this.#run?.abort();
    const { run } = this.#state;
    if (run) this.#update({ run: { ...run, cancelling: true } });
  }

  async #show(ids: readonly string[]): Promise<void> {
    const found = await Promise.all(ids.slice(-SHOWN).map((id) => this.#store.find(id)));
    this.#update({ shown: found.filter((run): run is StoredRun => run !== undefined) });
  }

  async #delete(id: string): Promise<void> {
    const run = this.#state.runs.find((other) => other.id === id);
    if (!run || !(await confirmDelete(run))) return;
    await this.#store.remove(id);
    const others = <Run extends { id: string }>(runs: Run[]) => runs.filter((run) => run.id !== id);
    this.#update({ runs: others(this.#state.runs), shown: others(this.#state.shown) });
  }

  async #fetch(run: string, name: string): Promise<void> {
    this.#page.post({ type: 'picture', run, name, png: await this.#store.picture(run, name) });
  }

  async #export(format: ExportFormat): Promise<void> {
    const target = await exportRuns(this.#state.shown, format);
    if (target) this.#update({ notice: `Exported as ${target}.` });
  }

  async #import(): Promise<void> {
    const imported = await importRun();
    if (imported) await this.#add({ report: imported.report, pictures: {} }, `Imported ${imported.name}.`);
  }

  /** Puts a chosen path into the form. */
  #fill(field: 'folder' | 'maskFile', chosen: string | undefined): void {
    if (chosen) this.#page.post({ type: 'draft', change: { [field]: chosen } });
  }

  async #estimate(draft: BenchmarkDraft): Promise<string[]> {
    try {
      const { cases, scope } = draft;
      const workers = takenBy(draft).shared ? workersOf(draft) : undefined;
      const threads = /^\s*[1-9]\d*\s*$/.test(draft.threads) ? Number(draft.threads) : undefined;
      const subject = { ...subjectOf(draft), cases, precisions: precisionsOf(draft), workers, threads };
      return await this.#costOf(subject, scope === 'whole');
    } catch (error) {
      // A form that is not filled in yet; running it says what is missing.
      if (error instanceof InputError) return [];
      throw error;
    }
  }

  async #costOf(request: BenchmarkRequest, whole = request.whole !== undefined): Promise<string[]> {
    const cost = await benchmarkCost(request);
    const { model = '', threads = this.#threads ?? 0 } = request;
    const step = { model, threads, precision: 'fp32', macs: cost.stepMacs };
    const time = this.#services.denseSpeed.stepTime(step);
    // Steps that record are no dense steps; this is no place to say how much slower they are.
    const seconds = time?.evidence === 'step' ? time.seconds : undefined;
    return costSentences(cost, { ...request, whole }, seconds);
  }

  #update(change: Partial<BenchmarkState>): void {
    this.#state = { ...this.#state, ...change };
    this.#page.post({ type: 'state', state: this.#state });
  }

  /** In the page if it is seen, else as a notification: once. */
  #fail(error: unknown): void {
    if (!this.#page.visible) {
      void reportError(this.#services.log, error);
      return;
    }
    this.#services.log.error(error instanceof Error ? error : String(error));
    this.#update({
      failure: failureOf(error),
      notice: undefined,
    });
  }
}

function createPanel(): WebviewPanel {
  return window.createWebviewPanel(BENCHMARK_TYPE, 'Patchwork Benchmark', ViewColumn.Active);
}
