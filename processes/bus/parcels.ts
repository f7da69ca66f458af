import { randomUUID } from 'node:crypto';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import * as z from 'zod';

/** A description and bytes, sent over the bus in as many messages as the bytes need. */
export interface Parcel {
  /** JSON. */
  head: unknown;
  body: Uint8Array;
}

/** Bytes of a message that are reserved for a chunk's description. */
const DESCRIPTION_BYTES = 64 << 10;
const MAX_PARTS = 1 << 16;
/** Unfinished parcels are dropped after this time, since a chunk must have been lost. */
const UNFINISHED_MS = 30_000;
const MAX_UNFINISHED = 256;
/** Overhead of a chunk in bytes. */
const CHUNK_OVERHEAD = 256;
/** Smaller chunks are copied, because each would keep the whole received buffer alive. */
const COPIED_BYTES = 64 << 10;
/** Bytes that may be pending in this process before the server has received them. */
const FLUSH_BYTES = 8 << 20;
const LENGTH_BYTES = 4;

const descriptionSchema = z.object({
  id: z.string().max(64),
  part: z.number().int().min(0),
  parts: z.number().int().min(1).max(MAX_PARTS),
  /** Size of the whole body. */
  bytes: z.number().int().min(0),
  /** Where this chunk begins. */
  at: z.number().int().min(0),
  head: z.unknown().optional(),
});

/** Sends bodies in chunks that fit the server's messages. */
export async function sendParcel(
  bus: Pick<NatsConnection, 'publish' | 'flush' | 'info'>,
  subject: string,
  head: unknown,
  body: Uint8Array = new Uint8Array(),
): Promise<void> {
  const room = (bus.info?.max_payload ?? 1 << 20) - DESCRIPTION_BYTES;
  const parts = Math.max(1, Math.ceil(body.byteLength / room));
  const id = randomUUID();
  let waiting = 0;
  for (let part = 0; part < parts; part++) {
    const at = part * room;
    const chunk = body.subarray(at, at + room);
    const described = { id, part, parts, bytes: body.byteLength, at, ...(part === 0 && { head }) };
    const description = Buffer.from(JSON.stringify(described));
    if (description.byteLength > DESCRIPTION_BYTES - LENGTH_BYTES)
      throw new Error('a parcel has too large a head');
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(description.byteLength);
    bus.publish(subject, Buffer.concat([length, description, chunk]));
    waiting += chunk.byteLength;
    if (waiting < FLUSH_BYTES) continue;
    await bus.flush();
    waiting = 0;
  }
}

/**
 * Puts parcels together. Chunks may come twice, in any order, or never; what does not fit is dropped. No memory is
 * allocated for what is only announced; unfinished parcels together hold no more than the largest finished one may.
 * @param most bytes of a body.
 */
export class ParcelReader {
  readonly #most: number;
  readonly #unfinished = new Map<string, Unfinished>();
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes of memory that unfinished parcels take. */
  get held(): number {
    return this.#held;
  }

  /** The parcel that this message completes, if it does. */
  read(message: Uint8Array): Parcel | undefined {
    const described = describe(message);
    if (!described) return undefined;
    const { id, part, parts, bytes, at, head, chunk } = described;
    if (bytes > this.#most || at + chunk.byteLength > bytes || part >= parts) return undefined;
    const since = Date.now();
    this.#forget((other) => since - other.since > UNFINISHED_MS);
    const known = this.#unfinished.get(id);
    const parcel = known ?? { parts, bytes, chunks: new Map(), held: 0, head: undefined, since };
    if (parcel.parts !== parts || parcel.bytes !== bytes || parcel.chunks.has(part)) return undefined;
    parcel.chunks.set(part, {
      at,
      data: parts > 1 && chunk.byteLength < COPIED_BYTES ? new Uint8Array(chunk) : chunk,
    });
    parcel.held += chunk.byteLength + CHUNK_OVERHEAD;
    this.#held += chunk.byteLength + CHUNK_OVERHEAD;
    if (part === 0) parcel.head = head;
    this.#unfinished.set(id, parcel);
    if (parcel.chunks.size === parts) {
      this.#drop(id, parcel);
      return whole(parcel);
    }
    const room = this.#most + parts * CHUNK_OVERHEAD;
    this.#forget(() => this.#held > room || this.#unfinished.size > MAX_UNFINISHED);
    return undefined;
  }

  /** Forgets unfinished parcels, the oldest first, while `isTooMuch`. */
  #forget(isTooMuch: (parcel: Unfinished) => boolean): void {
    for (const [id, parcel] of this.#unfinished) if (isTooMuch(parcel)) this.#drop(id, parcel);
  }

  #drop(id: string, { held }: Unfinished): void {
    this.#unfinished.delete(id);
    this.#held -= held;
  }
}

interface Unfinished {
  parts: number;
  bytes: number;
  /** Chunks by part number. */
  chunks: Map<number, { at: number; data: Uint8Array }>;
  held: number;
  head: unknown;
  since: number;
}

/** A parcel with all its chunks, unless they leave a hole or overlap. */
function whole({ parts, bytes, chunks, head }: Unfinished): Parcel | undefined {
  if (parts === 1) {
    const [{ data }] = chunks.values() as unknown as [{ data: Uint8Array }];
    const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return body.byteLength === bytes ? { head, body } : undefined;
  }
  const sorted = [...chunks.values()].sort((a, b) => a.at - b.at || a.data.byteLength - b.data.byteLength);
  let end = 0;
  for (const { at, data } of sorted) {
    if (at !== end) return undefined;
    end += data.byteLength;
  }
  if (end !== bytes) return undefined;
  const body = new Uint8Array(bytes);
  for (const { at, data } of sorted) body.set(data, at);
  return { head, body };
}

/** Calls `take` for each parcel on a subject. */
export function receiveParcels(
  bus: Pick<NatsConnection, 'subscribe'>,
  subject: string,
  most: number,
  take: (parcel: Parcel, subject: string) => void,
): Subscription {
  const readers = new ParcelReader(most);
  return bus.subscribe(subject, {
    callback: (error, message) => {
      const parcel = error ? undefined : readers.read(message.data);
      if (parcel) take(parcel, message.subject);
    },
  });
}

function describe(message: Uint8Array) {
  if (message.byteLength < LENGTH_BYTES) return undefined;
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const end = LENGTH_BYTES + buffer.readUInt32LE();
  if (end > buffer.byteLength || end > DESCRIPTION_BYTES) return undefined;
  try {
    const description = descriptionSchema.safeParse(JSON.parse(buffer.toString('utf8', LENGTH_BYTES, end)));
    return description.success ? { ...description.data, chunk: message.subarray(end) } : undefined;
  } catch {
    return undefined;
  }
}
