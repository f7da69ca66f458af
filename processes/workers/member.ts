import {
  type Job,
  type Member,
  MemberLostError,
  type StepAnswer,
  type StepCall,
} from '../../engine/parallel/job.ts';
import type { Method } from '../engine/protocol.ts';
import { begin, end, keep, step } from './protocol.ts';

/** Milliseconds that a worker may take to leave a job that is over; then a fresh one takes its place. */
const END_PATIENCE = 10_000;

/** A process, or a browser's worker, that answers the calls of a crew. */
export interface Served {
  readonly usable: boolean;
  /** @throws MemberLostError if it ends before it answers */
  call<Request, Result>(method: Method<Request, never, Result>, request: Request): Promise<Result>;
  /** Ends it, whatever it does. */
  end(reason: string): Promise<void>;
}

/** A worker of this machine. */
export class ServedMember implements Member {
  readonly name: string;
  readonly #served: Served;
  readonly #endPatience: number;
  #ending: Promise<void> = Promise.resolve();

  constructor(name: string, served: Served, endPatience = END_PATIENCE) {
    this.name = name;
    this.#served = served;
    this.#endPatience = endPatience;
  }

  get usable(): boolean {
    return this.#served.usable;
  }

  begin(job: Job): Promise<number> {
    return this.#served.call(begin, { job, mail: job.id });
  }

  step(call: StepCall): Promise<StepAnswer> {
    return this.#served.call(step, call);
  }

  async keep(job: string, picture: string): Promise<void> {
    await this.#served.call(keep, { job, picture });
  }

  async end(job: string): Promise<void> {
    if (!this.usable) return;
    // A run whose result no one needs would keep the next job waiting.
    const stuck = setTimeout(() => void this.dismiss(), this.#endPatience);
    const ended = this.#served.call(end, job).finally(() => clearTimeout(stuck));
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
    return this.#served.end(`${this.name} was dismissed.`);
  }
}

/** The workers of a crew, which are kept for the next image. */
export class KeptMembers<One extends ServedMember> {
  #members: One[] = [];
  #share = 0;
  #isDismissed = false;

  /** From the beginning of `dismiss` on. */
  get isDismissed(): boolean {
    return this.#isDismissed;
  }

  /**
   * `count` workers: those that are there and have the same share of the processor, and fresh ones.
   * @param share threads of each
   * @throws MemberLostError if the crew was dismissed, or is meanwhile, and what `start` throws; then none of the fresh
   * ones is left
   */
  async take(count: number, share: number, start: (name: string) => One | Promise<One>): Promise<One[]> {
    await Promise.all(this.#members.map((member) => member.free()));
    if (this.#isDismissed) throw dismissed();
    const usable = this.#members.filter((member) => member.usable);
    const keep = share === this.#share ? usable.slice(0, count) : [];
    await Promise.all(
      this.#members.filter((member) => !keep.includes(member)).map((member) => member.dismiss()),
    );
    const names = Array.from({ length: count }, (_, i) => nameOf(i));
    const free = names.filter((name) => !keep.some((member) => member.name === name));
    this.#members = keep;
    const started = await this.#started(free.slice(0, count - keep.length), start);
    this.#members = [...keep, ...started].sort((a, b) =>
      a.name.localeCompare(b.name, 'en', { numeric: true }),
    );
    this.#share = share;
    if (this.#isDismissed) {
      await this.dismiss();
      throw dismissed();
    }
    return [...this.#members];
  }

  /** Starts workers: all of them, or none. */
  async #started(names: readonly string[], start: (name: string) => One | Promise<One>): Promise<One[]> {
    const starts = await Promise.allSettled(names.map(async (name) => start(name)));
    const started = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = starts.find((one) => one.status === 'rejected');
    if (!failed) return started;
    await Promise.all(started.map((member) => member.dismiss()));
    throw failed.reason;
  }

  /** Ends all. No others are started in their place. */
  async dismiss(): Promise<void> {
    const members = this.#members;
    this.#members = [];
    this.#isDismissed = true;
    await Promise.all(members.map((member) => member.dismiss()));
  }
}

const nameOf = (index: number) => `Worker ${index + 1}`;
/** Name of the first worker of a crew. */
export const FIRST = nameOf(0);

/** The error of a call to a crew that was dismissed. */
export function dismissed(): MemberLostError {
  return new MemberLostError('The workers were dismissed.');
}
