import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import * as z from 'zod';
import { InputError } from '../../../engine/errors.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import type { GenerateRequest } from '../../../shared/api.ts';
import { eachField } from '../../../shared/requestFields.ts';
import { formatBytes } from '../../../shared/units.ts';
import { PROTOCOL } from '../wire.ts';

/**
 * A batch's pictures wait in a JetStream work queue until a worker has drawn them; each worker takes one at a time.
 * Results wait in a second stream until the coordinator has saved them, so either side can disconnect and return.
 *
 * Subjects: `patchwork.task.VERSION.MODEL.BATCH.ITEM`; `patchwork.result.BATCH.ITEM.ATTEMPT.PART` holds a part of a
 * picture's file, `patchwork.result.BATCH.ITEM.head` describes the parts. As plain messages, lost if no one
 * listens: `patchwork.batch.BATCH.progress`, `.done` and `.cancel`.
 */
export const TASKS = 'patchwork-tasks';
export const RESULTS = 'patchwork-results';

/** The server writes to its disk before it answers. */
const TIMEOUT_MS = 30_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Tasks and results are kept no longer than this. */
const TASK_AGE = 30 * DAY;
const RESULT_AGE = 7 * DAY;
const MAX_TASKS = 100_000;
/** Bytes that the server reserves for results. Workers stop when this is full. */
const RESULT_BYTES = 2 ** 30;
const MAX_TASK_BYTES = 64 << 10;
/** An image's file is sent in parts: bytes of one, and the most parts. */
export const PART_BYTES = 512 << 10;
export const MAX_PARTS = 512;
/** A worker reports that it is at work more often than this; otherwise its task goes to another. */
export const ACK_WAIT_MS = 30_000;
/** A task is given up after it has crashed or failed in this many workers. */
export const MAX_ATTEMPTS = 3;

/** JetStream's error codes. */
const NO_ROOM = 10047;
const NAME_IN_USE = 10058;

/** Subjects have no dots inside a word. */
const VERSION = `${packageJson.version.replaceAll('.', '_')}-${PROTOCOL}`;
/** Hexadecimal digits of a model's content hash that name its queue. */
const MODEL_DIGITS = 32;

const batchId = z.uuid();
const itemNumber = z.number().int().min(0).max(99_999);

/** What a worker is asked to generate. It decides the rest of the request. */
export const taskSchema = z.object({
  batch: batchId,
  item: itemNumber,
  request: z
    .object({
      ...eachField((field) => ('names' in field ? z.string() : z.number())),
      prompt: z.string(),
      negativePrompt: z.string(),
      seed: z.number(),
      width: z.number(),
      height: z.number(),
      stepPlan: z.string(),
    })
    .partial()
    .required({ prompt: true, seed: true }),
});
export type Task = z.infer<typeof taskSchema> & { request: GenerateRequest };

/** The outcome of an item. */
export const headSchema = z.union([
  z.object({ error: z.string().max(2000), worker: z.string().max(256) }),
  z.object({
    attempt: z.uuid(),
    parts: z.number().int().min(1).max(MAX_PARTS),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    worker: z.string().max(256),
    seconds: z.number().min(0),
  }),
]);
export type Head = z.infer<typeof headSchema>;

export const progressSchema = z.object({
  item: itemNumber,
  step: z.number().int().min(0).max(100_000),
  steps: z.number().int().min(0).max(100_000),
});

/** The content of a message; undefined if it is malformed. */
export function parsed<T>(schema: z.ZodType<T>, data: Uint8Array): T | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** The subject on which tasks for a model, given by its content hash, wait. */
export function tasksFor(model: string): string {
  return `patchwork.task.${VERSION}.${model.slice(0, MODEL_DIGITS)}`;
}

export function resultsOf(batch: string, item: number | '*'): string {
  return `patchwork.result.${batch}.${item}`;
}

export function batchSubject(batch: string, what: 'progress' | 'done' | 'cancel'): string {
  return `patchwork.batch.${batch}.${what}`;
}

/** The name of the consumer that a model's workers share. */
export function consumerName(model: string): string {
  return `draw-${VERSION}-${model.slice(0, MODEL_DIGITS)}`;
}

/** The queue of a server; its streams are made if they are missing. @throws InputError if it keeps no messages. */
export async function openQueue(bus: NatsConnection): Promise<JetStreamManager> {
  let manager: JetStreamManager;
  try {
    manager = await jetstreamManager(bus, { timeout: TIMEOUT_MS });
  } catch (error) {
    throw new InputError(
      'The NATS server keeps no messages, which batches need: start it with JetStream (nats-server -js).',
      { cause: error },
    );
  }
  const common = { storage: StorageType.File, discard: DiscardPolicy.New, num_replicas: 1 };
  await makeStream(manager, {
    ...common,
    name: TASKS,
    description: 'Images that Patchwork is to generate',
    subjects: ['patchwork.task.>'],
    retention: RetentionPolicy.Workqueue,
    max_msgs: MAX_TASKS,
    max_msg_size: MAX_TASK_BYTES,
    max_age: nanos(TASK_AGE),
    // An item is never in the queue twice.
    max_msgs_per_subject: 1,
    discard_new_per_subject: true,
  });
  await makeStream(manager, {
    ...common,
    name: RESULTS,
    description: 'Images that Patchwork has generated',
    subjects: ['patchwork.result.>'],
    retention: RetentionPolicy.Limits,
    max_age: nanos(RESULT_AGE),
    max_bytes: RESULT_BYTES,
    allow_direct: true,
  });
  return manager;
}

type NewStream = Partial<StreamConfig> & { name: string };

/** Creates a stream. An existing one keeps its bounds. @throws InputError if there is no room */
async function makeStream(manager: JetStreamManager, stream: NewStream): Promise<void> {
  try {
    await manager.streams.add(stream);
  } catch (error) {
    const code = error instanceof JetStreamApiError ? error.code : undefined;
    if (code === NAME_IN_USE) return;
    if (code !== NO_ROOM) throw error;
    throw new InputError(
      `The NATS server has no room for a batch's images: its JetStream needs ${formatBytes(RESULT_BYTES)} (max_file_store, and the disk of its store_dir).`,
      { cause: error },
    );
  }
}

/** The consumer that a model's workers share, made if it is missing. */
export async function openConsumer(
  manager: JetStreamManager,
  model: string,
  ackWait = ACK_WAIT_MS,
): Promise<string> {
  const name = consumerName(model);
  await manager.consumers.add(TASKS, {
    durable_name: name,
    filter_subject: `${tasksFor(model)}.>`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWait),
    max_deliver: -1,
  });
  return name;
}

/** Subjects of a stream that hold messages, under a filter. */
export async function subjectsIn(
  manager: JetStreamManager,
  stream: string,
  filter: string,
): Promise<string[]> {
  const { state } = await manager.streams.info(stream, { subjects_filter: filter });
  return Object.keys(state.subjects ?? {});
}
