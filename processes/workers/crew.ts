import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import { coreCount, memoryBytes } from '../../engine/host/node/limits.ts';
import { type Crew, MemberLostError } from '../../engine/parallel/job.ts';
import { EngineEndedError, ServedProcess } from '../child.ts';
import { scriptOf } from '../scripts.ts';
import { makeMailFolder } from './mail-folder.ts';
import { dismissed, FIRST, KeptMembers, type Served, ServedMember } from './member.ts';

/**
 * Seconds that a step may take with a GPU, which compiles the network's programs in the first: minutes, if it is made of
 * software and the machine is busy. A process that is stopped is noticed before: see `ServedProcess`.
 */
const COMPILING = 900;

interface LocalCrewOptions {
  /** Milliseconds, for tests. */
  endPatience?: number;
  pulsePatience?: number;
  onLog?: (line: string) => void;
  /** Where the first worker computes; the others, and the first if it is absent, on the processor. */
  device?: OpenedDevice;
  /** Bytes that the recorded features of all workers may take; a quarter of the machine's memory by default. */
  storeBudget?: number;
}

/** Workers on this machine: one process each, with its share of the processor. They are kept for the next image. */
export class LocalCrew implements Crew {
  readonly equallyFast: boolean;
  readonly onDevice: boolean;
  readonly patience: number | undefined;
  readonly #options: LocalCrewOptions;
  readonly #kept = new KeptMembers<LocalMember>();
  #mail: Promise<string> | undefined;
  /** Removes the mail's folder when the process ends. */
  #clear = () => {};

  constructor(options: LocalCrewOptions = {}) {
    this.#options = options;
    this.onDevice = (options.device?.id ?? 'cpu') !== 'cpu';
    this.equallyFast = !this.onDevice;
    this.patience = this.onDevice ? COMPILING : undefined;
  }

  /** `threads`: of one worker; its share of the processor if absent. */
  async members(count: number, threads?: number): Promise<LocalMember[]> {
    const share = threads ?? Math.max(1, Math.floor(coreCount() / count));
    const { storeBudget = memoryBytes() / 4, device } = this.#options;
    const numbers = [share, await this.#root(), Math.floor(storeBudget / count)].map(String);
    const gpu = device ? [JSON.stringify(device)] : [];
    return this.#kept.take(count, share, (name) =>
      LocalMember.start(name, this.#options, [...numbers, ...(name === FIRST ? gpu : [])]),
    );
  }

  async dispose(): Promise<void> {
    await this.#kept.dismiss();
    const mail = this.#mail;
    this.#mail = undefined;
    process.off('exit', this.#clear);
    if (mail) await rm(await mail, { recursive: true, force: true });
  }

  /** The folder of a job's messages. */
  async mailFolder(job: string): Promise<string> {
    return path.join(await this.#root(), job);
  }

  /** A folder for this crew's mail: in memory, if the platform has such files. @throws MemberLostError after `dispose` */
  async #root(): Promise<string> {
    if (this.#kept.isDismissed) throw dismissed();
    this.#mail ??= makeMailFolder().then((folder) => {
      this.#clear = () => rmSync(folder, { recursive: true, force: true });
      process.once('exit', this.#clear);
      return folder;
    });
    return this.#mail;
  }
}

/** A worker process of this machine. */
export class LocalMember extends ServedMember {
  readonly #process: ServedProcess;

  private constructor(name: string, process: ServedProcess, endPatience?: number) {
    super(name, servedBy(process), endPatience);
    this.#process = process;
  }

  /** `args`: see process.ts. */
  static start(name: string, options: LocalCrewOptions, args: string[]): LocalMember {
    const script = scriptOf('worker', import.meta.url);
    const process = new ServedProcess({ ...options, ...script, title: name, args: () => args });
    return new LocalMember(name, process, options.endPatience);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }
}

function servedBy(process: ServedProcess): Served {
  return {
    get usable() {
      return process.usable;
    },
    call: (method, request) =>
      process.call(method, request, {}).catch((error: unknown) => {
        throw error instanceof EngineEndedError ? new MemberLostError(error.message) : error;
      }),
    end: (reason) => process.end(reason, 'SIGKILL'),
  };
}
