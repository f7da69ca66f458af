import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { BatchFolder } from '../../../engine/batch/folder.ts';
import { InputError } from '../../../engine/errors.ts';
import { contentHash } from '../../../engine/models/content-hash.ts';
import { openModel } from '../../../engine/models/open.ts';
import type { BusOptions } from '../../../shared/api.ts';
import { messageOf } from '../../../shared/errorMessage.ts';
import { onceEach } from '../../../shared/onceEach.ts';
import { requestFields } from '../../../shared/requestFields.ts';
import { connectBus, leaveBus } from '../connection.ts';
import { findWorkers } from '../discovery.ts';
import {
  batchSubject,
  openQueue,
  parsed,
  progressSchema,
  RESULTS,
  resultsOf,
  subjectsIn,
  TASKS,
  tasksFor,
} from './queue.ts';
import { dropResult, readResult, settledItems } from './results.ts';

interface CoordinateOptions {
  signal?: AbortSignal;
  /** Returns once everything is in the queue. */
  detach?: boolean;
  /** A picture was saved. */
  onSaved?: (saved: SavedItem) => void;
  /** Steps of a picture under way. */
  onProgress?: (progress: { item: number; step: number; steps: number }) => void;
  onNote?: (sentence: string) => void;
  /** Milliseconds between checks of the queue if no message comes; for tests. */
  interval?: number;
}

export interface SavedItem {
  item: number;
  file: string;
  worker: string;
  seconds: number;
}

export interface BatchOutcome {
  saved: SavedItem[];
  failed: { item: number; error: string }[];
  /** Items that are still queued or under way; they are left there. */
  waiting: number;
}

const INTERVAL_MS = 2000;
/** How often an item that is neither in the queue nor finished is queued again. */
const MAX_REQUEUES = 3;

/**
 * Lets the workers of a bus generate the missing images of a batch, and saves them. Items that an earlier run has
 * queued are not queued again, and results that have arrived are saved first. Aborting removes the rest from the
 * queue.
 */
export async function coordinate(
  folder: BatchFolder,
  options: BusOptions,
  callbacks: CoordinateOptions = {},
): Promise<BatchOutcome> {
  const bus = await connectBus(options, 'patchwork batch');
  try {
    const manager = await openQueue(bus);
    const model = await contentHash(await openModel(folder.settings.model));
    return await new Coordination(bus, manager, model, folder, callbacks).run();
  } finally {
    await leaveBus(bus);
  }
}

class Coordination {
  readonly #bus: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #model: string;
  readonly #folder: BatchFolder;
  readonly #options: CoordinateOptions;
  readonly #missing = new Set<number>();
  readonly #warn: (sentence: string) => void;
  readonly #requeued = new Map<number, number>();
  readonly #outcome: BatchOutcome = { saved: [], failed: [], waiting: 0 };
  #wake = () => {};

  constructor(
    bus: NatsConnection,
    manager: JetStreamManager,
    model: string,
    folder: BatchFolder,
    options: CoordinateOptions,
  ) {
    this.#bus = bus;
    this.#manager = manager;
    this.#model = model;
    this.#folder = folder;
    this.#options = options;
    this.#warn = onceEach((sentence) => options.onNote?.(sentence));
  }

  async run(): Promise<BatchOutcome> {
    const { signal, detach, interval = INTERVAL_MS } = this.#options;
    for (const item of await this.#folder.missing()) this.#missing.add(item);
    const subscriptions = this.#listen();
    const abort = () => this.#wake();
    signal?.addEventListener('abort', abort);
    try {
      await this.#collect();
      await this.#queueMissing();
      await this.#noteWorkers();
      while (this.#missing.size > 0 && !detach) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, interval);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
          if (signal?.aborted) this.#wake();
        });
        signal?.throwIfAborted();
        await this.#collect();
        await this.#queueMissing();
      }
      return { ...this.#outcome, waiting: this.#missing.size };
    } catch (error) {
      if (signal?.aborted) await this.#takeBack();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      for (const subscription of subscriptions) subscription.unsubscribe();
    }
  }

  #listen() {
    const { id } = this.#folder;
    const progress = this.#bus.subscribe(batchSubject(id, 'progress'), {
      callback: (error, message) => {
        const heard = error ? undefined : parsed(progressSchema, message.data);
        if (heard && this.#missing.has(heard.item)) this.#options.onProgress?.(heard);
      },
    });
    const done = this.#bus.subscribe(batchSubject(id, 'done'), { callback: () => this.#wake() });
    return [progress, done];
  }

  /** Saves the results that have arrived. */
  async #collect(): Promise<void> {
    const { id } = this.#folder;
    for (const item of await settledItems(this.#manager, id)) {
      // Results that were saved before the last run ended, or were never requested, are only removed.
      if (this.#missing.has(item)) await this.#save(item);
      await dropResult(this.#manager, id, item);
    }
  }

  async #save(item: number): Promise<void> {
    const result = await readResult(this.#manager, this.#folder.id, item);
    // Incomplete: it is put into the queue again.
    if (!result) return;
    const { head, png } = result;
    try {
      if ('error' in head) throw new Error(head.error);
      const file = await this.#folder.save(item, png);
      const saved = { item, file, worker: head.worker, seconds: head.seconds };
      this.#outcome.saved.push(saved);
      this.#options.onSaved?.(saved);
    } catch (error) {
      this.#outcome.failed.push({ item, error: messageOf(error) });
    }
    this.#missing.delete(item);
  }

  /** Queues the items that are neither queued, nor under way, nor finished. */
  async #queueMissing(): Promise<void> {
    const { id } = this.#folder;
    const prefix = `${tasksFor(this.#model)}.${id}`;
    // In this order, because items move from one to the other.
    const queued = new Set((await subjectsIn(this.#manager, TASKS, `${prefix}.>`)).map(lastNumber));
    const settled = new Set(await settledItems(this.#manager, id));
    for (const item of this.#missing) {
      this.#options.signal?.throwIfAborted();
      if (queued.has(item) || settled.has(item)) continue;
      const times = this.#requeued.get(item) ?? 0;
      this.#requeued.set(item, times + 1);
      if (times > MAX_REQUEUES) {
        this.#missing.delete(item);
        this.#outcome.failed.push({ item, error: 'its result was lost again and again' });
        continue;
      }
      try {
        const { request, warnings } = await taskRequest(this.#folder, item);
        for (const warning of warnings) this.#warn(warning);
        const task = { batch: id, item, request };
        await jetstream(this.#bus).publish(`${prefix}.${item}`, JSON.stringify(task));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        this.#missing.delete(item);
        this.#outcome.failed.push({ item, error: error.message });
      }
    }
  }

  async #noteWorkers(): Promise<void> {
    if (this.#missing.size === 0) return;
    const { found, others } = await findWorkers(this.#bus, this.#model);
    if (found.length > 0) return;
    const why = others.length > 0 ? ` (${others.join('; ')})` : '';
    this.#options.onNote?.(
      `No worker can generate these images yet${why}; they wait. Start one with: patchwork worker --bus URL`,
    );
  }

  /** Removes the batch's items from the queue, because it was cancelled. */
  async #takeBack(): Promise<void> {
    const { id } = this.#folder;
    await this.#manager.streams.purge(TASKS, { filter: `${tasksFor(this.#model)}.${id}.>` });
    this.#bus.publish(batchSubject(id, 'cancel'));
    await this.#bus.flush();
    await this.#collect();
    await this.#manager.streams.purge(RESULTS, { filter: `${resultsOf(id, '*')}.>` });
  }
}

/**
 * The request to a worker: prompts as they are read here, where their wildcards are, without the settings that the
 * worker decides.
 * @throws InputError if the prompt names files, which workers do not have
 */
async function taskRequest(folder: BatchFolder, item: number) {
  const { request, embeddings, warnings } = await folder.read(item);
  const { prompt, negativePrompt, seed, loras = [], ...settings } = request;
  if (loras.length > 0 || embeddings.key !== '')
    throw new InputError(
      'Workers take no LoRA files and trained words for batches: leave out the bus, or what the prompt names.',
    );
  const { width, height, stepPlan } = settings;
  const texts = { prompt: escaped(prompt), negativePrompt: negativePrompt && escaped(negativePrompt) };
  return { request: { ...texts, seed, width, height, ...requestFields(settings), stepPlan }, warnings };
}

/** A prompt in which no choice is left to make. */
function escaped(prompt: string): string {
  return prompt.replace(/[{}]/g, '\\$&');
}

function lastNumber(subject: string): number {
  return Number(subject.slice(subject.lastIndexOf('.') + 1));
}
