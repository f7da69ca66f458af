import { setTimeout } from 'node:timers/promises';
import { type Consumer, type JetStreamClient, type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError, isAbort } from '../../../engine/errors.ts';
import { checkGenerate } from '../../../engine/pipelines/check-request.ts';
import type { Engine, GenerateRequest } from '../../../shared/api.ts';
import { messageOf } from '../../../shared/errorMessage.ts';
import { ModelChangedError, openAnnounced } from '../announced.ts';
import {
  ACK_WAIT_MS,
  batchSubject,
  MAX_ATTEMPTS,
  openConsumer,
  openQueue,
  parsed,
  TASKS,
  type Task,
  taskSchema,
  tasksFor,
} from './queue.ts';
import { storeHead, storePicture } from './results.ts';

interface DrawerOptions {
  bus: NatsConnection;
  /** Model ids by content hash. */
  models: ReadonlyMap<string, string>;
  /** This worker's name. */
  name: string;
  threads?: number;
  openEngine: () => Engine;
  /** Whether the worker is busy with another job. */
  isBusy: () => boolean;
  /** Reserves the worker for a task as soon as it is free. Returns a function that frees it; undefined if it stops. */
  claim: () => Promise<(() => void) | undefined>;
  onLog?: (line: string) => void;
  /** Milliseconds without a sign of a worker after which its task goes to another one. */
  ackWait?: number;
}

/** How long a request for a task waits, and the pause after one that found no task or no queue. */
const ASK_MS = 1000;
const REST_MS = 250;
/** Requests after which the queue's consumers are created again if they are gone. */
const ASKED_OF_ONE = 10;
const NO_QUEUE_MS = 30_000;
/** A task that failed, or whose worker leaves, goes to another worker after this time. */
const AGAIN_MS = 500;

/** Draws pictures from the queue, one at a time, whenever the worker is idle. */
export class Drawer {
  readonly #options: DrawerOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #engine: Engine | undefined;
  /** Content hashes of models whose files have changed; they are not used any more. */
  readonly #changed = new Set<string>();

  constructor(options: DrawerOptions) {
    this.#options = options;
    this.#done = this.#serve();
  }

  /** Returns a task under way to the queue. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
    await this.free();
  }

  /** Frees the model if the worker needs the memory for something else. */
  async free(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.dispose();
  }

  async #serve(): Promise<void> {
    const { bus, models, onLog } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted && !bus.isClosed()) {
      try {
        const stream = jetstream(bus);
        const consumers = await this.#consumers(stream);
        // They may have been deleted in the meantime, which the client does not notice.
        for (let asked = 0; asked < ASKED_OF_ONE && !signal.aborted && !bus.isClosed(); asked++)
          for (const hash of models.keys()) await this.#serveModel(stream, consumers.get(hash)!, hash);
      } catch (error) {
        // A server without JetStream has no queue; one that is lost comes back.
        if (!(error instanceof InputError) && !signal.aborted) onLog?.(messageOf(error));
        await rest(error instanceof InputError ? NO_QUEUE_MS : AGAIN_MS, signal);
      }
    }
  }

  async #consumers(stream: JetStreamClient): Promise<Map<string, Consumer>> {
    const { bus, models, ackWait } = this.#options;
    const manager = await openQueue(bus);
    const consumers = new Map<string, Consumer>();
    for (const hash of models.keys())
      consumers.set(hash, await stream.consumers.get(TASKS, await openConsumer(manager, hash, ackWait)));
    return consumers;
  }

  /** Asks for one task and does it. */
  async #serveModel(stream: JetStreamClient, consumer: Consumer, hash: string): Promise<void> {
    const { signal } = this.#stopping;
    if (this.#options.isBusy() || this.#changed.has(hash)) return rest(REST_MS, signal);
    const message = await consumer.next({ expires: ASK_MS });
    if (!message) return;
    const { ackWait = ACK_WAIT_MS } = this.#options;
    const alive = setInterval(() => message.working(), ackWait / 3);
    try {
      const release = await this.#options.claim();
      if (!release) return message.nak();
      await this.#take(stream, message, hash).finally(release);
    } finally {
      clearInterval(alive);
    }
  }

  async #take(stream: JetStreamClient, message: JsMsg, hash: string): Promise<void> {
    const { name, onLog } = this.#options;
    const task = readTask(message, hash);
    // Not a valid task: without this it would be delivered again and again.
    if (!task) return message.term();
    const { batch, item } = task;
    const attempts = message.info.deliveryCount;
    const fail = async (error: string) => {
      await storeHead(stream, batch, item, { error: error.slice(0, 2000), worker: name });
      await message.ackAck();
    };
    try {
      if (attempts > MAX_ATTEMPTS)
        await fail(`given up after ${MAX_ATTEMPTS} attempts that ended their workers`);
      else if (await this.#draw(stream, task, hash)) await message.ackAck();
      else message.nak(AGAIN_MS);
    } catch (error) {
      const sentence = messageOf(error);
      if (error instanceof ModelChangedError) {
        // Other workers may still have the model.
        this.#changed.add(hash);
        onLog?.(`No images of batches any more: ${sentence}.`);
        return message.nak(AGAIN_MS);
      }
      onLog?.(`An image of a batch failed: ${sentence}`);
      if (error instanceof InputError || attempts >= MAX_ATTEMPTS) await fail(sentence);
      else message.nak(AGAIN_MS);
    }
    this.#options.bus.publish(batchSubject(batch, 'done'));
  }

  /** Generates a task's image; false if the worker stops before it is done. */
  async #draw(stream: JetStreamClient, task: Task, hash: string): Promise<boolean> {
    const { bus, models, name, threads, openEngine } = this.#options;
    const { batch, item } = task;
    const { id: model } = await openAnnounced(models.get(hash)!, hash);
    const request: GenerateRequest = checkGenerate({
      ...task.request,
      model,
      threads,
      previews: false,
    });
    const cancelling = new AbortController();
    const cancel = bus.subscribe(batchSubject(batch, 'cancel'), { callback: () => cancelling.abort() });
    try {
      this.#engine ??= openEngine();
      const { picture, seconds } = await this.#engine.generate(request, {
        signal: AbortSignal.any([cancelling.signal, this.#stopping.signal]),
        onProgress: ({ step, steps }) =>
          bus.publish(batchSubject(batch, 'progress'), JSON.stringify({ item, step, steps })),
      });
      await storePicture(stream, batch, item, picture.png, { worker: name, seconds });
      return true;
    } catch (error) {
      if (!isAbort(error)) throw error;
      // The tasks of a cancelled batch are gone from the queue, so acknowledging this one does no harm.
      return cancelling.signal.aborted;
    } finally {
      cancel.unsubscribe();
    }
  }
}

function readTask({ data, subject }: JsMsg, hash: string): Task | undefined {
  const task = parsed(taskSchema, data);
  if (!task) return undefined;
  return subject === `${tasksFor(hash)}.${task.batch}.${task.item}` ? (task as Task) : undefined;
}

/** Waits, or until the signal aborts. */
async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => {});
}
