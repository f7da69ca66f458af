import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { OpenedDevice } from '../../engine/host/devices/findings.ts';
import { coreCount, memoryBytes } from '../../engine/host/node/limits.ts';
import {
  type Crew,
  type Job,
  type Member,
  MemberLostError,
  type StepAnswer,
  type StepCall,
} from '../../engine/parallel/job.ts';
import { EngineEndedError, ServedProcess } from '../child.ts';
import type { Method } from '../engine/protocol.ts';
import { scriptOf } from '../scripts.ts';
import { makeMailFolder } from './mail-folder.ts';
import { begin, end, keep, step } from './protocol.ts';

/** Milliseconds that a worker may take to leave a job that is over; then a fresh process takes its place. */
const END_PATIENCE = 10_000;

interface LocalCrewOptions {
  /** Milliseconds, for tests. */
  endPatience?: number;
  pulsePatience?: number;
  onLog?: (line: string) => void;
  /** Where the workers compute; the processor if absent. */
  device?: OpenedDevice;
  /** Bytes that the recorded features of all workers may take; a quarter of the machine's memory by default. */
  storeBudget?: number;
}

/** Workers on this machine: one process each, with its share of the processor. They are kept for the next image. */
export class LocalCrew implements Crew {
  readonly alike = true;
  readonly #options: LocalCrewOptions;
  #members: LocalMember[] = [];
  #threads = 0;
  #mail: Promise<string> | undefined;
  /** Removes the mail's folder when the process ends. */
  #clear = () => {};

  constructor(options: LocalCrewOptions = {}) {
    this.#options = options;
  }

  /** `threads`: of one worker; its share of the processor if absent. */
  async members(count: number, threads?: number): Promise<LocalMember[]> {
    const share = threads ?? Math.max(1, Math.floor(coreCount() / count));
    const mail = await this.#root();
    await Promise.all(this.#members.map((member) => member.free()));
    const usable = this.#members.filter((member) => member.usable);
    const keep = share === this.#threads ? usable.slice(0, count) : [];
    await Promise.all(
      this.#members.filter((member) => !keep.includes(member)).map((member) => member.dismiss()),
    );
    const names = Array.from({ length: count }, (_, i) => `Worker ${i + 1}`);
    const free = names.filter((name) => !keep.some((member) => member.name === name));
    const fresh = free.slice(0, count - keep.length);
    const { storeBudget = memoryBytes() / 4 } = this.#options;
    const { device } = this.#options;
    const numbers = [share, mail, Math.floor(storeBudget / count)].map(String);
    const args = device ? [...numbers, JSON.stringify(device)] : numbers;
    const started = fresh.map((name) => new LocalMember(name, this.#options, args));
    this.#members = [...keep, ...started].sort((a, b) =>
      a.name.localeCompare(b.name, 'en', { numeric: true }),
    );
    this.#threads = share;
    return [...this.#members];
  }

  async dispose(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map((member) => member.dismiss()));
    const mail = this.#mail;
    this.#mail = undefined;
    process.off('exit', this.#clear);
    if (mail) await rm(await mail, { recursive: true, force: true });
  }

  /** The folder of a job's messages. */
  async mailFolder(job: string): Promise<string> {
    return path.join(await this.#root(), job);
  }

  /** A folder for this crew's mail: in memory, if the platform has such files. */
  #root(): Promise<string> {
    this.#mail ??= makeMailFolder().then((folder) => {
      this.#clear = () => rmSync(folder, { recursive: true, force: true });
      process.once('exit', this.#clear);
      return folder;
    });
    return this.#mail;
  }
}

/** A worker process of this machine. */
export class LocalMember implements Member {
  readonly name: string;
  readonly #process: ServedProcess;
  readonly #endPatience: number;
  #ending: Promise<void> = Promise.resolve();

  /** `args`: see process.ts. */
  constructor(name: string, options: LocalCrewOptions, args: string[]) {
    this.name = name;
    this.#endPatience = options.endPatience ?? END_PATIENCE;
    this.#process = new ServedProcess({
      ...options,
      ...scriptOf('worker', import.meta.url),
      title: name,
      args: () => args,
    });
  }

  get usable(): boolean {
    return this.#process.usable;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  begin(job: Job): Promise<number> {
    return this.#call(begin, { job, mail: job.id });
  }

  step(call: StepCall): Promise<StepAnswer> {
    return this.#call(step, call);
  }

  async keep(job: string, picture: string): Promise<void> {
    await this.#call(keep, { job, picture });
  }

  async end(job: string): Promise<void> {
    if (!this.usable) return;
    // A run whose result no one needs would keep the next job waiting.
    const stuck = setTimeout(() => void this.dismiss(), this.#endPatience);
    const ended = this.#call(end, job).finally(() => clearTimeout(stuck));
    this.#ending = ended.then(
      () => {},
      () => {},
    );
    await ended.catch((error: unknown) => {
      if (!(error instanceof MemberLostError)) throw error;
    });
  }

  /** Resolves when the last job has been left, or its process with it. */
  async free(): Promise<void> {
    await this.#ending;
  }

  /** A stalled worker reacts to nothing else. */
  dismiss(): Promise<void> {
    return this.#process.end(`${this.name} was dismissed.`, 'SIGKILL');
  }

  async #call<Request, Result>(method: Method<Request, never, Result>, request: Request): Promise<Result> {
    try {
      return await this.#process.call(method, request, {});
    } catch (error) {
      throw error instanceof EngineEndedError ? new MemberLostError(error.message) : error;
    }
  }
}
