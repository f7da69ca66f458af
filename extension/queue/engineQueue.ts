import { randomUUID } from 'node:crypto';
import { abortError } from '../../engine/errors.ts';
import type {
  BenchmarkProgress,
  CallOptions,
  EditProgress,
  EditRequest,
  EditResult,
  Engine,
  GenerateProgress,
  GenerateRequest,
  GenerateResult,
  UpscaleProgress,
} from '../../shared/api.ts';
import { defined } from '../../shared/defined.ts';
import type { Job, JobKind, RunState } from '../../shared/jobs.ts';
import { LIMITS } from '../../shared/limits.ts';
import { eitherSignal } from '../../shared/signals.ts';
import { loadKey, type Pace } from './pace.ts';
import { type Expected, type Loads, Remaining } from './remaining.ts';

/** Options by which a caller recognizes its job. */
export interface JobOptions<Progress> extends CallOptions<Progress> {
  id?: string;
  batch?: string;
  /** In place of the prompt. */
  title?: string;
  /** Times of an edit, if they can be predicted. */
  expected?: Expected;
}

/** How a job's times are predicted. */
interface Predictable {
  /** Asks for its times; absent once they are known. */
  expect: () => Expected | undefined;
  /** Of an image's model; absent for other work. */
  loadKey?: string;
}

/** A job, with functions that start and end it. */
interface Entry extends Partial<Predictable> {
  job: Job;
  abort: AbortController;
  start: () => void;
  remaining: Remaining;
  /** When loading began, in seconds. */
  loading?: number;
}

/** What of a request decides which model is loaded, where nothing is added to that. */
type Loadable = Pick<GenerateRequest, 'model' | 'precision' | 'threads'>;

/** Nothing is loaded yet. */
const NOTHING = '';

/**
 * The engine behind a visible queue: images, edits, enlargements and benchmarks wait here, so that each of them can
 * be cancelled, and those that wait survive the end of the engine's process. Other calls go to the engine at once.
 */
export class EngineQueue {
  /** The engine, for callers that do not need the queue. */
  readonly engine: Engine;
  readonly #engine: Engine;
  readonly #pace: Pace | undefined;
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<() => void>();
  /** The `loadKey` of the model that is loaded; undefined if it is not known. */
  #loaded: string | undefined = NOTHING;

  /** @param pace predicts the times of images */
  constructor(engine: Engine, pace?: Pace) {
    this.#engine = engine;
    this.#pace = pace;
    pace?.onDidNote(() => this.#expectAll());
    this.engine = {
      ...engine,
      generate: (request, options) => this.generate(request, options),
      edit: (request, options: JobOptions<EditProgress> = {}) =>
        this.#enqueue(
          'edit',
          options.title ?? request.prompt,
          options,
          { expect: () => options.expected },
          (inner) => engine.edit(request, inner),
        ),
      upscale: (request, options: JobOptions<UpscaleProgress> = {}) =>
        this.#enqueue('upscale', options.title ?? 'Upscale', options, undefined, (inner) =>
          engine.upscale(request, inner),
        ),
      benchmark: (request, options = {}) =>
        this.#enqueue('benchmark', 'Benchmark', options, undefined, (inner) =>
          engine.benchmark(request, inner),
        ),
      prepareEdit: (request, options) => this.#loading(undefined, () => engine.prepareEdit(request, options)),
    };
  }

  /** In order; the first one runs. */
  get jobs(): readonly Job[] {
    return this.#entries.map(({ job }) => job);
  }

  /** Calls `listener` whenever `jobs` has changed; returns a function that ends this. */
  onDidChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Cancels a job that runs or waits; its call rejects with an `AbortError`. */
  cancel(id: string): void {
    this.#entries.find(({ job }) => job.id === id)?.abort.abort();
  }

  cancelAll(): void {
    // Cancels the waiting ones first, or the next would start.
    for (const { abort } of [...this.#entries].reverse()) abort.abort();
  }

  generate(request: GenerateRequest, options: JobOptions<GenerateProgress> = {}): Promise<GenerateResult> {
    const model = { expect: () => this.#pace?.like(request), loadKey: loadKey(request) };
    return this.#enqueue('generate', request.prompt, options, model, (inner) =>
      this.#engine.generate(request, inner),
    );
  }

  /**
   * Generates an image in the background: it is not in the queue, and is cancelled when a job enters the queue.
   * @throws AbortError if it was cancelled for a job
   */
  generateAside(request: GenerateRequest, { signal }: { signal: AbortSignal }): Promise<GenerateResult> {
    return this.#aside(signal, loadKey(request), (inner) => this.#engine.generate(request, inner));
  }

  /** The same for an edit. */
  editAside(request: EditRequest, { signal }: { signal: AbortSignal }): Promise<EditResult> {
    return this.#aside(signal, undefined, (inner) => this.#engine.edit(request, inner));
  }

  /**
   * Loads a request's model before its image is asked for, by the smallest image of one step, which is discarded. What
   * is asked for meanwhile waits for that.
   */
  async load({ model, precision, threads }: Loadable): Promise<void> {
    const asked = defined({ model, precision, threads });
    const key = loadKey({ prompt: '', ...asked });
    if (this.#entries.length > 0 || this.#loaded === key) return;
    const [width, height] = [LIMITS.size.min, LIMITS.size.min];
    const trial = { prompt: '', seed: 0, steps: 1, width, height, previews: false, ...asked };
    await this.#loading(key, () => this.#engine.generate(trial, {}));
  }

  async #aside<Result>(
    signal: AbortSignal,
    key: string | undefined,
    call: (options: { signal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    if (this.#entries.length > 0) throw abortError();
    const giveWay = new AbortController();
    const stopListening = this.onDidChange(() => {
      if (this.#entries.length > 0) giveWay.abort();
    });
    try {
      const either = eitherSignal(signal, giveWay.signal);
      return await this.#loading(key, () => call({ signal: either }));
    } finally {
      stopListening();
    }
  }

  /**
   * Follows what a call beside the queue loads.
   * @param key of its model; undefined where another one may do the work
   */
  async #loading<Result>(key: string | undefined, call: () => Promise<Result>): Promise<Result> {
    // What a call has loaded when it ends early is not known.
    if (this.#loaded !== key) this.#loaded = undefined;
    try {
      const result = await call();
      this.#loaded = key;
      return result;
    } catch (error) {
      this.#noteEnd(error);
      throw error;
    }
  }

  /** A process of the engine that has ended leaves nothing loaded. */
  #noteEnd(error: unknown): void {
    if (error instanceof Error && error.name === 'EngineEndedError') this.#loaded = NOTHING;
  }

  async #enqueue<Progress, Result>(
    kind: JobKind,
    title: string,
    { id = randomUUID(), batch, signal, onProgress }: JobOptions<Progress>,
    model: Predictable | undefined,
    call: (options: CallOptions<Progress>) => Promise<Result>,
  ): Promise<Result> {
    if (signal?.aborted) throw abortError();
    const abort = new AbortController();
    const cancel = () => abort.abort();
    signal?.addEventListener('abort', cancel, { once: true });
    const entry = this.#add({ id, kind, title, ...(batch && { batch }) }, abort, model);
    try {
      await this.#turn(entry);
      const report = (progress: Progress) => {
        this.#progress(entry, progress);
        onProgress?.(progress);
      };
      const result = await call({ signal: abort.signal, onProgress: report });
      // It may have come just after the user cancelled.
      if (abort.signal.aborted) throw abortError();
      return result;
    } catch (error) {
      // What was loaded before may have made room.
      if (entry.loading !== undefined) this.#loaded = undefined;
      this.#noteEnd(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#remove(entry);
    }
  }

  #add(
    about: Pick<Job, 'id' | 'kind' | 'title' | 'batch'>,
    abort: AbortController,
    model?: Predictable,
  ): Entry {
    const run: RunState = { stage: 'wait', step: 0, steps: 0, cancelling: false };
    const entry: Entry = {
      job: { ...about, running: false, run },
      abort,
      start: () => {},
      remaining: new Remaining(undefined),
      ...model,
    };
    this.#entries.push(entry);
    this.#expect(entry);
    abort.signal.addEventListener('abort', () => this.#change(entry, { cancelling: true }), { once: true });
    return entry;
  }

  /** An image was timed, which may be the first one like those that wait. */
  #expectAll(): void {
    for (const entry of this.#entries) this.#expect(entry);
    this.#changed();
  }

  /** Predicts the times of a job that waits, if there is something to predict them from. */
  #expect(entry: Entry): void {
    const expected = entry.job.running ? undefined : entry.expect?.();
    if (!expected) return;
    delete entry.expect;
    entry.remaining = new Remaining(expected);
    this.#predict(entry, { steps: expected.steps });
  }

  /** Whether the model of a job has to be loaded first. */
  #loads(entry: Entry, stage: RunState['stage']): Loads {
    // Which model an edit is made by is not known.
    if (entry.loadKey === undefined) return stage === 'load' ? 'unknown' : false;
    const at = this.#entries.indexOf(entry);
    const before = at > 0 ? this.#entries[at - 1]!.loadKey : this.#loaded;
    return before === undefined ? 'unknown' : before !== entry.loadKey;
  }

  /** Follows what is loaded, and remembers how long that took. */
  #follow(entry: Entry, stage: RunState['stage']): void {
    const now = performance.now() / 1000;
    if (stage === 'load') entry.loading ??= now;
    else if (entry.loading !== undefined) {
      // A model that is quantized first takes longer than the next time.
      if (stage === 'encode' && entry.loadKey && this.#loads(entry, stage) === true)
        void this.#pace?.noteLoad(entry.loadKey, now - entry.loading);
      entry.loading = undefined;
      // An edit may be made by another model.
      this.#loaded = entry.loadKey;
    }
  }

  /** Resolves when the entry is the first; rejects when it is cancelled before. */
  #turn(entry: Entry): Promise<void> {
    const { signal } = entry.abort;
    return new Promise((resolve, reject) => {
      const leave = () => reject(abortError());
      signal.addEventListener('abort', leave, { once: true });
      entry.start = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#startFirst();
      this.#changed();
    });
  }

  #startFirst(): void {
    const [first] = this.#entries;
    if (!first || first.job.running || first.abort.signal.aborted) return;
    first.job = { ...first.job, running: true };
    first.start();
  }

  #progress(entry: Entry, progress: unknown): void {
    if (entry.job.kind === 'benchmark') {
      const { stage, done, total } = progress as BenchmarkProgress;
      const rounds = stage === 'measure' ? { step: done, steps: total } : { step: 0, steps: 0 };
      this.#change(entry, { stage: 'benchmark', ...rounds });
      return;
    }
    const { stage, step, steps } = progress as RunState;
    this.#follow(entry, stage);
    this.#change(entry, { stage, step, steps });
  }

  #change(entry: Entry, change: Partial<RunState>): void {
    this.#predict(entry, change);
    this.#changed();
  }

  /** Sets a job's remaining time, with a change of its state. */
  #predict(entry: Entry, change: Partial<RunState> = {}): void {
    const run = { ...entry.job.run, ...change };
    entry.job = { ...entry.job, run: withRemaining(run, entry.remaining, this.#loads(entry, run.stage)) };
  }

  #remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry);
    this.#entries.splice(at, 1);
    // Another job, and so perhaps another model, is before it now.
    const next = this.#entries[at];
    if (next) this.#predict(next);
    this.#startFirst();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function withRemaining(run: RunState, remaining: Remaining, loads: Loads): RunState {
  const now = performance.now() / 1000;
  const seconds = remaining.after(run, now, loads);
  const stageSeconds = remaining.ofStage(run, now);
  const { remaining: _, stageRemaining: __, ...rest } = run;
  return {
    ...rest,
    ...(seconds !== undefined && { remaining: seconds }),
    ...(stageSeconds !== undefined && { stageRemaining: stageSeconds }),
  };
}
