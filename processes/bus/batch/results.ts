import { createHash, randomUUID } from 'node:crypto';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import {
  type Head,
  headSchema,
  MAX_PARTS,
  PART_BYTES,
  parsed,
  RESULTS,
  resultsOf,
  subjectsIn,
} from './queue.ts';

/** Stores an image where its coordinator looks for it. */
export async function storePicture(
  stream: JetStreamClient,
  batch: string,
  item: number,
  png: Uint8Array,
  report: { worker: string; seconds: number },
): Promise<void> {
  const attempt = randomUUID();
  const parts = Math.ceil(png.byteLength / PART_BYTES);
  if (parts > MAX_PARTS) throw new Error('the image is too large to be sent');
  const subject = resultsOf(batch, item);
  for (let part = 0; part < parts; part++)
    await stream.publish(
      `${subject}.${attempt}.${part}`,
      png.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
    );
  await storeHead(stream, batch, item, { attempt, parts, sha256: sha256(png), ...report });
}

/** Reports the outcome of an item. */
export async function storeHead(
  stream: JetStreamClient,
  batch: string,
  item: number,
  head: Head,
): Promise<void> {
  await stream.publish(`${resultsOf(batch, item)}.head`, JSON.stringify(head));
}

/** Items of a batch that are finished. */
export async function settledItems(manager: JetStreamManager, batch: string): Promise<number[]> {
  const subjects = await subjectsIn(manager, RESULTS, `${resultsOf(batch, '*')}.head`);
  return subjects.map((subject) => Number(subject.split('.')[3])).filter(Number.isInteger);
}

/** The result of an item; undefined if it is incomplete or malformed. */
export async function readResult(
  manager: JetStreamManager,
  batch: string,
  item: number,
): Promise<{ head: Head; png: Uint8Array } | undefined> {
  const subject = resultsOf(batch, item);
  const text = await lastMessage(manager, `${subject}.head`);
  const head = text && parsed(headSchema, text);
  if (!head) return undefined;
  if ('error' in head) return { head, png: new Uint8Array() };
  const parts: Uint8Array[] = [];
  for (let part = 0; part < head.parts; part++) {
    const data = await lastMessage(manager, `${subject}.${head.attempt}.${part}`);
    if (!data) return undefined;
    parts.push(data);
  }
  const png = Buffer.concat(parts);
  return sha256(png) === head.sha256 ? { head, png } : undefined;
}

/** Removes everything about a finished item. */
export async function dropResult(manager: JetStreamManager, batch: string, item: number): Promise<void> {
  await manager.streams.purge(RESULTS, { filter: `${resultsOf(batch, item)}.>` });
}

async function lastMessage(manager: JetStreamManager, subject: string): Promise<Uint8Array | undefined> {
  const message = await manager.direct.getMessage(RESULTS, { last_by_subj: subject });
  return message?.data;
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
