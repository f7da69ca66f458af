import { MOST_THREADS } from '../../engine/backends/web/backend.ts';
import { type Crew, MemberLostError } from '../../engine/parallel/job.ts';
import { KeptMembers, type Served, ServedMember } from '../workers/member.ts';
import { PROCESSOR, ServedWorker } from './client.ts';
import { type Letter, mailed } from './shared-mail.ts';
import type { Start } from './start.ts';

interface WebCrewOptions {
  /** What this engine's worker was started with. */
  start: Start;
  /** The text of this script. */
  script: string;
  /** Reads a file of the embedded models. */
  resource: (place: string) => Promise<Uint8Array>;
}

/**
 * Workers of an engine in a browser: one worker each, with its share of the processor. They share memory, so the page must
 * be isolated from other origins; and files, so these must be in the browser's storage. They are kept for the next image.
 */
export class WebCrew implements Crew {
  readonly equallyFast = true;
  readonly #options: WebCrewOptions;
  readonly #kept = new KeptMembers<ServedMember>();
  /** The workers that letters are passed on to. */
  readonly #running = new Set<ServedWorker>();

  constructor(options: WebCrewOptions) {
    this.#options = options;
  }

  /** `threads`: of one worker; its share of the processor if absent. */
  members(count: number, threads?: number): Promise<ServedMember[]> {
    const cores = Math.min(navigator.hardwareConcurrency, MOST_THREADS);
    const share = threads ?? Math.max(1, Math.floor(cores / count));
    const member = { threads: share, of: count };
    return this.#kept.take(
      count,
      share,
      async (name) => new ServedMember(name, await this.#start(name, member)),
    );
  }

  async dispose(): Promise<void> {
    await this.#kept.dismiss();
  }

  async #start(name: string, member: NonNullable<Start['member']>): Promise<Served> {
    const { script, resource, start } = this.#options;
    const { code, glue, sizes, storeBudget } = start;
    const options = {
      script: async () => script,
      start: async () => ({ code, glue, sizes, storeBudget, member }),
      resource,
    };
    let usable = true;
    const worker = await ServedWorker.start(options, PROCESSOR, () => {
      usable = false;
      this.#running.delete(worker);
    });
    this.#running.add(worker);
    worker.connection.onNotification(mailed, (letter: Letter) => {
      for (const other of this.#running)
        if (other !== worker) void other.connection.sendNotification(mailed, letter);
    });
    return {
      get usable() {
        return usable;
      },
      call: (method, request) =>
        worker.call(method, request, {}).catch((error: unknown) => {
          throw usable ? error : new MemberLostError(`${name} has ended.`);
        }),
      end: async (reason) => {
        if (usable) worker.end(reason);
      },
    };
  }
}
