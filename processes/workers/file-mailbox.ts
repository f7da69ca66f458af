import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  byteLengthOf,
  type Mailbox,
  MissingFeaturesError,
  type Recipient,
} from '../../engine/execution/bands/mailbox.ts';
import { codeOf } from '../../engine/files.ts';

/** Parts that one system call takes; POSIX promises 1024. */
const PARTS_A_CALL = 1000;

/**
 * A mailbox whose messages are files of a folder in memory (/dev/shm), so that processes share features: what one
 * writes from a network's output another reads into the next run's input, with no copy between. A step's messages
 * replace those of two steps before, which no one can still be reading: the step between needed them read.
 */
export class FileMailbox implements Mailbox {
  readonly #folder: string;
  readonly #band: number;
  readonly #files = new Map<string, Promise<FileHandle>>();

  private constructor(folder: string, band: number) {
    this.#folder = folder;
    this.#band = band;
  }

  static async open(folder: string, band: number): Promise<FileMailbox> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new FileMailbox(folder, band);
  }

  async post(step: number, to: Recipient, parts: readonly Uint8Array[]): Promise<void> {
    const file = await this.#file(messageName(step, this.#band, to), 'w+');
    let position = 0;
    for (const some of chunks([tagOf(step), ...parts])) {
      const { bytesWritten } = await file.writev(some, position).catch((error: unknown) => {
        throw codeOf(error) === 'ENOSPC' ? this.#full() : error;
      });
      if (bytesWritten !== byteLengthOf(some)) throw this.#full();
      position += bytesWritten;
    }
  }

  async fetch(step: number, from: number, to: Recipient, slots: readonly Uint8Array[]): Promise<void> {
    const name = messageName(step, from, to);
    const file = await this.#file(name, 'r').catch((error: unknown) => {
      this.#files.delete(name);
      throw codeOf(error) === 'ENOENT' ? missing(step, from) : error;
    });
    const tag = new Uint8Array(TAG_BYTES);
    if ((await file.stat()).size !== TAG_BYTES + byteLengthOf(slots)) throw missing(step, from);
    let position = 0;
    for (const some of chunks([tag, ...slots])) {
      const { bytesRead } = await file.readv(some, position);
      if (bytesRead !== byteLengthOf(some)) throw missing(step, from);
      position += bytesRead;
    }
    if (Buffer.compare(tag, tagOf(step)) !== 0) throw missing(step, from);
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) await file.then((handle) => handle.close()).catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }

  #full(): Error {
    return new Error(
      `there is no room in ${path.dirname(this.#folder)} for what workers give each other; make room there, or use fewer workers`,
    );
  }

  #file(name: string, flags: string): Promise<FileHandle> {
    let file = this.#files.get(name);
    if (!file) {
      file = open(path.join(this.#folder, name), flags, 0o600);
      this.#files.set(name, file);
    }
    return file;
  }
}

/** A message as it travels between machines. */
interface Relayed {
  to: Recipient;
  bytes: Uint8Array;
}

/** The messages that a band has posted in a step, to be sent to another machine. */
export async function postedMessages(folder: string, step: number, band: number): Promise<Relayed[]> {
  const prefix = messageName(step, band, '');
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort();
  return Promise.all(
    names.map(async (name) => {
      const to = name.slice(prefix.length);
      const bytes = await readFile(path.join(folder, name));
      return { to: to === 'all' ? to : Number(to), bytes };
    }),
  );
}

/** Puts a message from another machine where a mailbox of this folder fetches it. */
export function deliverMessage(
  folder: string,
  step: number,
  from: number,
  { to, bytes }: Relayed,
): Promise<void> {
  return writeFile(path.join(folder, messageName(step, from, to)), bytes);
}

/** The file of a message; two steps' worth are kept. */
function messageName(step: number, from: number, to: Recipient | ''): string {
  return `${step % 2}-${from}-${to}`;
}

const TAG_BYTES = 8;

/** What a message begins with: the step that it belongs to. */
function tagOf(step: number): Uint8Array {
  const tag = Buffer.alloc(TAG_BYTES);
  tag.writeDoubleLE(step);
  return tag;
}

function missing(step: number, from: number): MissingFeaturesError {
  return new MissingFeaturesError(`features of step ${step + 1} from band ${from + 1} are missing`);
}

function* chunks(parts: readonly Uint8Array[]): Generator<Uint8Array[]> {
  for (let from = 0; from < parts.length; from += PARTS_A_CALL) {
    const some = parts.slice(from, from + PARTS_A_CALL).filter(({ byteLength }) => byteLength > 0);
    if (some.length > 0) yield some;
  }
}
