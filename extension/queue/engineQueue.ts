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
import type { Job, JobKind, RunState } from '../../shared/jobs.ts';
import { loadKey, type Pace } from './pace.ts';
import { type Expected, Remaining } from './remaining.ts';

/** Options by which a caller recognizes its job. */
export interface JobOptions<Progress> extends CallOptions<Progress> {
  id?: string;
  batch?: string;
  /** In place of the prompt. */
  title?: string;
  /** Times of an edit, if they can be predicted. */
  expected?: Expected;
}

/** A job, with functions that start and end it. */
interface Entry {
  job: Job;
  abort: AbortController;
  start: () => void;
  remaining: Remaining;
  /** Of an image's model; absent for other work. */
  loadKey?: string;
  /** Whether its model has to be loaded first, if that is known. */
  loads?: boolean;
  /** When loading began, in seconds. */
  loading?: number;
}

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
  readonly #pace: Pick<Pace, 'like' | 'noteLoad'> | undefined;
  readonly #entries: Entry[] = [];
  readonly #listeners = new Set<() => void>();
  /** The `loadKey` of the model that is loaded; undefined if it is not known. */
  #loaded: string | undefined = NOTHING;

  /** @param pace predicts the times of images */
  constructor(engine: Engine, pace?: Pick<Pace, 'like' | 'noteLoad'>) {
    this.#engine = engine;
    this.#pace = pace;
    this.engine = {
      ...engine,
      generate: (request, options) => this.generate(request, options),
      edit: (request, options: JobOptions<EditProgress> = {}) =>
        this.#enqueue(
          'edit',
          options.title ?? request.prompt,
          options,
          { expected: options.expected },
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
    const model = { expected: this.#pace?.like(request), loadKey: loadKey(request) };
    return this.#enqueue('generate', request.prompt, options, model, (inner) =>
      this.#engine.generate(request, inner),
    );
  }

  /**
   * Generates an image in the background: it is not in the queue, and is cancelled when a job enters the queue.
   * @throws AbortError if it was cancelled for a job
   */
  generateAside(request: GenerateRequest, { signal }: { signal: AbortSignal }): Promise<GenerateResult> {
    return this.#aside(signal, (inner) => this.#engine.generate(request, inner));
  }

  /** The same for an edit. */
  editAside(request: EditRequest, { signal }: { signal: AbortSignal }): Promise<EditResult> {
    return this.#aside(signal, (inner) => this.#engine.edit(request, inner));
  }

  async #aside<Result>(
    signal: AbortSignal,
    call: (options: { signal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    if (this.#entries.length > 0) throw abortError();
    const giveWay = new AbortController();
    const stopListening = this.onDidChange(() => giveWay.abort());
    try {
      return await call({ signal: AbortSignal.any([signal, giveWay.signal]) });
    } finally {
      stopListening();
    }
  }

  async #enqueue<Progress, Result>(
    kind: JobKind,
    title: string,
    { id = randomUUID(), batch, signal, onProgress }: JobOptions<Progress>,
    model: { expected: Expected | undefined; loadKey?: string } | undefined,
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
      if (error instanceof Error && error.name === 'EngineEndedError') this.#loaded = NOTHING;
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#remove(entry);
    }
  }

  #add(
    about: Pick<Job, 'id' | 'kind' | 'title' | 'batch'>,
    abort: AbortController,
    model?: { expected: Expected | undefined; loadKey?: string },
  ): Entry {
    const expected = model?.expected;
    const remaining = new Remaining(expected);
    const run: RunState = { stage: 'wait', step: 0, steps: expected?.steps ?? 0, cancelling: false };
    const entry: Entry = {
      job: { ...about, running: false, run },
      abort,
      start: () => {},
      remaining,
      ...(model?.loadKey !== undefined && { loadKey: model.loadKey, loads: this.#loads(model.loadKey) }),
    };
    entry.job.run = withRemaining(run, entry);
    this.#entries.push(entry);
    abort.signal.addEventListener('abort', () => this.#change(entry, { cancelling: true }), { once: true });
    return entry;
  }

  /** Whether an image that enters the queue now finds its model loaded, as far as is known. */
  #loads(key: string): boolean | undefined {
    const last = this.#entries.at(-1);
    const before = last ? last.loadKey : this.#loaded;
    return before === undefined ? undefined : before !== key;
  }

  /** Follows what is loaded, and remembers how long that took. */
  #follow(entry: Entry, stage: RunState['stage']): void {
    const now = performance.now() / 1000;
    if (stage === 'load') entry.loading ??= now;
    else if (entry.loading !== undefined) {
      // A model that is quantized first takes longer than the next time.
      if (stage === 'encode' && entry.loads && entry.loadKey)
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
    const run = { ...entry.job.run, ...change };
    entry.job = { ...entry.job, run: withRemaining(run, entry) };
    this.#changed();
  }

  #remove(entry: Entry): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#startFirst();
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function withRemaining(run: RunState, { remaining, loadKey, loads }: Entry): RunState {
  const now = performance.now() / 1000;
  // How long an edit's model is loaded is not known.
  const isUnknown = loadKey === undefined && run.stage === 'load';
  const seconds = isUnknown ? undefined : remaining.after(run, now, loadKey === undefined ? false : loads);
  const stageSeconds = remaining.ofStage(run, now);
  const { remaining: _, stageRemaining: __, ...rest } = run;
  return {
    ...rest,
    ...(seconds !== undefined && { remaining: seconds }),
    ...(stageSeconds !== undefined && { stageRemaining: stageSeconds }),
  };
}
