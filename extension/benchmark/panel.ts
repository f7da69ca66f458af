import { env, Uri, ViewColumn, type WebviewPanel, window, workspace } from 'vscode';
import { checkBenchmark } from '../../engine/benchmark/check-request.ts';
import { type BenchmarkCost, benchmarkCost } from '../../engine/benchmark/cost.ts';
import { macsCurves } from '../../engine/benchmark/macs-curves.ts';
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
  RunCost,
  StoredRun,
} from '../../shared/benchmark/protocol.ts';
import { draftOf, FIRST_DRAFT } from '../../shared/benchmark/protocol.ts';
import { subjectTitle } from '../../shared/benchmark/titles.ts';
import { describeRemaining } from '../../shared/format.ts';
import { noteBenchmark } from '../denseSpeed.ts';
import { readPictureUri } from '../editor/pictureFile.ts';
import { PageHost } from '../pageHost.ts';
import { checkBenchmarkMessage } from '../pageMessages.ts';
import { placeUri } from '../remote.ts';
import { failureOf, openSettings, reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { threadSetting } from '../settings.ts';
import { costSentences } from './cost.ts';
import { confirmDelete, exportRuns, importRun, pickMaskFile, pickModelFolder } from './dialogs.ts';
import {
  askedText,
  BUSY_SENTENCE,
  guessedStepSeconds,
  isBusy,
  lastTime,
  predictedSeconds,
  predictionSentence,
  totalSeconds,
} from './duration.ts';
import { toMarkdown } from './export.ts';
import { offers, takenBy } from './offers.ts';
import { PRESETS } from './presets.ts';
import { type MaskSource, requestOf } from './readForm.ts';
import { BenchmarkRemaining } from './remaining.ts';
import { savedShown } from './savedBenchmark.ts';
import { type BenchmarkStore, summaryOf } from './store.ts';

export const BENCHMARK_TYPE = 'patchwork.benchmark';

/** Milliseconds between updates of the remaining time. */
const TICK = 2000;

/** Largest number of runs that are compared at once. */
const SHOWN = 4;

/** Messages that the page sends unasked, which leave the notice of the last action in place. */
const SILENT: readonly BenchmarkPageMessage['type'][] = ['ready', 'estimate', 'fetch', 'cancel', 'showLog'];

/** For costs, which do not depend on the contents of masks. */
const ANY_BYTES = Uint8Array.of(0);
const UNREAD: MaskSource = { readFile: async () => ANY_BYTES, readShipped: async () => ANY_BYTES };

/** The benchmark panel: runs benchmarks, keeps them, compares them, in an editor tab. There is one. */
export class BenchmarkPanel {
  static #open: BenchmarkPanel | undefined;

  readonly #services: Services;
  readonly #store: BenchmarkStore;
  readonly #page: PageHost<BenchmarkHostMessage, BenchmarkPageMessage>;
  #state: BenchmarkState;
  #run: AbortController | undefined;
  /** The form as the page has it, and whether a mask is painted. */
  #form: { draft: BenchmarkDraft; painted: boolean } = { draft: FIRST_DRAFT, painted: false };

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
    this.#state = { offers: offers(services.devices), runs: [], shown: [], cost: { details: [] } };
    this.#page = new PageHost(panel, services.extensionUri, {
      name: 'benchmark',
      title: 'Patchwork Benchmark',
      check: checkBenchmarkMessage,
      onReady: () => this.#update({}),
      onMessage: (message) => void this.#attempt(() => this.#handle(message)),
    });
  }

  async #load(shown: string[]): Promise<void> {
    const runs = await this.#store.list();
    this.#update({ runs });
    await this.#show(shown.length > 0 ? shown : runs.slice(0, 1).map(({ id }) => id));
    await this.#updateCosts();
  }

  async #handle(message: BenchmarkPageMessage): Promise<void> {
    // A notice about the last action would seem to be about this one.
    if (!SILENT.includes(message.type)) this.#update({ failure: undefined, notice: undefined });
    switch (message.type) {
      case 'estimate':
        this.#form = message;
        await this.#updateCost();
        break;
      case 'run':
        this.#update({ curves: undefined });
        await this.#start(await this.#requestOf(message.draft, message.drawn));
        break;
      case 'cancel':
        this.#cancel();
        break;
      case 'count':
        this.#update({ curves: macsCurves() });
        break;
      case 'show':
        this.#update({ curves: undefined });
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

  /** Handles the request. Errors are shown, never thrown. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #requestOf(draft: BenchmarkDraft, drawn: Uint8Array | undefined): Promise<BenchmarkRequest> {
    const readFile = (file: string) => readPictureUri(placeUri(file));
    const shipped = Uri.joinPath(this.#services.extensionUri, 'media/masks');
    const readShipped = async (name: string) =>
      new Uint8Array(await workspace.fs.readFile(Uri.joinPath(shipped, name)));
    return {
      threads: this.#threads,
      ...(await requestOf(draft, takenBy(draft), { drawn, readFile, readShipped })),
    };
  }

  async #start(request: BenchmarkRequest): Promise<void> {
    if (this.#run) return;
    this.#run = new AbortController();
    const { signal } = this.#run;
    const { engine, denseSpeed, log } = this.#services;
    this.#update({ run: { stage: 'wait', done: 0, total: 0, cancelling: false } });
    // Time spent waiting for other work of the engine does not count.
    let begun: number | undefined;
    let latest: BenchmarkProgress | undefined;
    let ticking: ReturnType<typeof setInterval> | undefined;
    try {
      const predicted = await this.#remainingOf(request);
      const tell = () => {
        if (!latest) return;
        const remaining = predicted.after(latest, performance.now() / 1000);
        this.#tell({ ...latest, cancelling: signal.aborted, ...(remaining && { remaining }) });
      };
      const onProgress = (progress: BenchmarkProgress) => {
        begun ??= performance.now();
        latest = progress;
        tell();
      };
      // A stage of a large network may report nothing for minutes.
      ticking = setInterval(tell, TICK);
      const result = await engine.benchmark(request, { signal, onProgress });
      const tookSeconds = begun === undefined ? undefined : (performance.now() - begun) / 1000;
      await noteBenchmark(denseSpeed, request, result);
      const subject = subjectTitle(result.report);
      log.info(`Benchmark: ${subject}`);
      await this.#add(result, `Finished: ${subject}.`, { asked: askedText(request), tookSeconds });
      await this.#updateCosts();
    } catch (error) {
      if (isAbort(error)) this.#update({ notice: 'Cancelled.' });
      else this.#fail(error);
    } finally {
      clearInterval(ticking);
      this.#run = undefined;
      this.#update({ run: undefined });
    }
  }

  /** The setting's. */
  get #threads(): number | undefined {
    return threadSetting((name) => workspace.getConfiguration('patchwork').get(name));
  }

  async #add(
    result: BenchmarkResult,
    notice: string,
    made: Pick<StoredRun, 'asked' | 'tookSeconds'> = {},
  ): Promise<void> {
    const run = await this.#store.add(result, made);
    const runs = [summaryOf(run), ...this.#state.runs].sort((a, b) => b.date.localeCompare(a.date));
    this.#update({ runs, shown: [run], notice });
  }

  #tell(run: BenchmarkRun): void {
    const before = this.#state.run;
    // Weights are written in many small pieces, too many to show each.
    const text = (run: BenchmarkRun) =>
      `${describeBenchmark(run)} ${run.remaining ? describeRemaining(run.remaining) : ''}`;
    if (before?.stage === run.stage && text(before) === text(run)) return;
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

  /** Estimated costs of the form and the presets. */
  async #updateCosts(): Promise<void> {
    const presets = await Promise.all(
      PRESETS.map(async (preset) => ({ ...preset, cost: await this.#costOf(draftOf(preset), false) })),
    );
    this.#update({ offers: { ...this.#state.offers, presets } });
    await this.#updateCost();
  }

  async #updateCost(): Promise<void> {
    const form = this.#form;
    const cost = await this.#costOf(form.draft, form.painted);
    // The form may have changed in the meantime.
    if (form === this.#form) this.#update({ cost, busy: isBusy() ? BUSY_SENTENCE : undefined });
  }

  async #costOf(draft: BenchmarkDraft, painted: boolean): Promise<RunCost> {
    try {
      const request = {
        threads: this.#threads,
        ...(await requestOf(draft, takenBy(draft), painted ? { ...UNREAD, drawn: ANY_BYTES } : UNREAD)),
      };
      checkBenchmark(request);
      const cost = await benchmarkCost(request);
      const seconds = this.#measuredStep(request, cost);
      const details = costSentences(cost, { ...request, whole: request.whole !== undefined }, seconds);
      return { time: this.#timeOf(request, cost, seconds), details };
    } catch (error) {
      if (error instanceof InputError) return { details: [], problem: error.message };
      throw error;
    }
  }

  /** Seconds of a dense float32 step of a request's model here, if such steps were measured. */
  #measuredStep({ model = '', threads = 0 }: BenchmarkRequest, cost: BenchmarkCost): number | undefined {
    const step = { model, threads, precision: 'fp32', macs: cost.stepMacs };
    return this.#services.denseSpeed.stepTime(step)?.seconds;
  }

  /** Seconds of such a step: as `measured` for this model, else by the steps of others, else a guess. */
  #expectedStep(
    { stepMacs }: BenchmarkCost,
    measured: number | undefined,
  ): { seconds: number; isMeasured: boolean } {
    const known = measured ?? this.#services.denseSpeed.stepTimeOfAny(stepMacs);
    return { seconds: known ?? guessedStepSeconds(stepMacs), isMeasured: known !== undefined };
  }

  /** How long a run will take, as a sentence. */
  #timeOf(request: BenchmarkRequest, cost: BenchmarkCost, stepSeconds: number | undefined): string {
    const before = this.#tookBefore(request);
    if (before !== undefined) return lastTime(before);
    const { seconds, isMeasured } = this.#expectedStep(cost, stepSeconds);
    return predictionSentence(totalSeconds(predictedSeconds(request, cost, seconds)), isMeasured);
  }

  /** Seconds that the same run took the last time. */
  #tookBefore(request: BenchmarkRequest): number | undefined {
    const asked = askedText(request);
    return this.#state.runs.find((run) => run.asked === asked)?.tookSeconds;
  }

  async #remainingOf(request: BenchmarkRequest): Promise<BenchmarkRemaining> {
    const cost = await benchmarkCost(request);
    const { seconds } = this.#expectedStep(cost, this.#measuredStep(request, cost));
    return new BenchmarkRemaining(predictedSeconds(request, cost, seconds), this.#tookBefore(request));
  }

  #update(change: Partial<BenchmarkState>): void {
    this.#state = { ...this.#state, ...change };
    this.#page.post({ type: 'state', state: this.#state });
  }

  /** Shown once: in the page if it is visible, else as a notification. */
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
