import { randomBytes, randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import { contentHash } from '../../engine/models/content-hash.ts';
import { openModel } from '../../engine/models/open.ts';
import {
  type Crew,
  type Job,
  type Member,
  MemberLostError,
  type StepAnswer,
  type StepCall,
} from '../../engine/parallel/job.ts';
import type { BusOptions } from '../../shared/api.ts';
import { connectBus, leaveBus } from './connection.ts';
import { findWorkers } from './discovery.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import { answerSchema, MAX_CALL_BYTES, numbersIn, packJob, packStep } from './wire.ts';

/** A call that has no answer is sent again: it or its answer may have been lost. */
const RESEND_MS = 5000;
/** A worker that says nothing for so long is lost. */
const SILENCE_MS = 8000;
const ALIVE_MS = 2000;

const answeredSchema = z.object({ ask: z.string().max(64), answer: answerSchema });

interface BusCrewOptions {
  /** Milliseconds; for tests. */
  resend?: number;
  silence?: number;
}

/** Workers on other machines, found on a bus. */
export class BusCrew implements Crew {
  readonly alike = false;
  /** Not private, for tests that disturb it. */
  readonly bus: NatsConnection;
  readonly #options: Required<BusCrewOptions>;
  /** The members of the picture under way. */
  #members: BusMember[] = [];

  private constructor(bus: NatsConnection, options: BusCrewOptions) {
    this.bus = bus;
    this.#options = { resend: RESEND_MS, silence: SILENCE_MS, ...options };
  }

  /** @throws InputError if the bus cannot be used. */
  static async connect(bus: BusOptions, options: BusCrewOptions = {}): Promise<BusCrew> {
    return new BusCrew(await connectBus(bus, 'patchwork'), options);
  }

  /** Free workers that have the model and run this version; `threads` is theirs to say. */
  async members(count: number, _threads: number | undefined, model: string): Promise<Member[]> {
    for (const member of this.#members) member.close();
    const hash = await contentHash(await openModel(model));
    const { found, others } = await findWorkers(this.bus, hash);
    const free = found.filter(({ busy }) => !busy);
    if (free.length === 0) {
      const why = [...others, ...found.map(({ name }) => `${name} is busy`)];
      throw new InputError(
        `No worker on the bus can help${why.length ? `: ${why.join('; ')}` : ''}. Start one with: patchwork worker --bus URL`,
      );
    }
    const chosen = free.slice(0, count || free.length);
    this.#members = chosen.map(
      ({ worker, name }) => new BusMember(this.bus, worker, name, hash, this.#options),
    );
    return [...this.#members];
  }

  async dispose(): Promise<void> {
    for (const member of this.#members) member.close();
    await leaveBus(this.bus);
  }
}

/** A worker at the other end of the bus. */
class BusMember implements Member {
  readonly name: string;
  readonly #bus: NatsConnection;
  readonly #worker: string;
  readonly #model: string;
  readonly #options: Required<BusCrewOptions>;
  readonly #inbox = `_INBOX.${randomBytes(16).toString('hex')}`;
  readonly #waiting = new Map<string, { answer: (parcel: Parcel) => void; fail: (error: Error) => void }>();
  readonly #close: () => void;
  #heard = Date.now();
  #job: string | undefined;

  constructor(
    bus: NatsConnection,
    worker: string,
    name: string,
    model: string,
    options: Required<BusCrewOptions>,
  ) {
    this.#bus = bus;
    this.#worker = worker;
    this.name = name;
    this.#model = model;
    this.#options = options;
    const answers = receiveParcels(bus, this.#inbox, MAX_CALL_BYTES, ({ head, body }) => {
      const answered = answeredSchema.safeParse(head);
      if (!answered.success) return;
      this.#heard = Date.now();
      this.#waiting.get(answered.data.ask)?.answer({ head: answered.data.answer, body });
    });
    const alive = bus.subscribe(`patchwork.worker.${worker}.alive`, {
      callback: () => {
        this.#heard = Date.now();
      },
    });
    const timer = setInterval(() => {
      if (this.#job && !bus.isClosed()) bus.publish(`patchwork.job.${this.#job}.alive`);
    }, ALIVE_MS);
    this.#close = () => {
      clearInterval(timer);
      answers.unsubscribe();
      alive.unsubscribe();
    };
  }

  async begin(job: Job): Promise<number> {
    this.#job = job.id;
    this.#heard = Date.now();
    const { head } = await this.#ask(packJob(job, this.#model));
    return (head as { begun: number }).begun;
  }

  async step(call: StepCall): Promise<StepAnswer> {
    const { head, body } = await this.#ask(packStep(call));
    return { ...(head as Omit<StepAnswer, 'output'>), output: numbersIn(body) };
  }

  async keep(job: string, picture: string): Promise<void> {
    await this.#ask({ head: { call: 'keep', job, picture }, body: new Uint8Array() });
  }

  async end(job: string): Promise<void> {
    if (this.#job === job) this.#job = undefined;
    await this.#ask({ head: { call: 'end', job }, body: new Uint8Array() });
  }

  async dismiss(): Promise<void> {
    const job = this.#job;
    if (job) await this.end(job).catch(() => {});
    this.close();
  }

  close(): void {
    this.#close();
    for (const { fail } of this.#waiting.values())
      fail(new MemberLostError(`${this.name} is not needed any more`));
  }

  /** Asks until there is an answer, or the worker has been silent for too long. */
  async #ask({ head, body }: Parcel): Promise<Parcel> {
    const ask = randomUUID();
    const subject = `patchwork.worker.${this.#worker}.call`;
    const asked = { ...(head as object), ask, reply: this.#inbox };
    let check: NodeJS.Timeout | undefined;
    try {
      const answer = await new Promise<Parcel>((resolve, reject) => {
        this.#waiting.set(ask, { answer: resolve, fail: reject });
        let sent = Date.now();
        let looked = sent;
        const send = () => sendParcel(this.#bus, subject, asked, body).catch(reject);
        void send();
        check = setInterval(() => {
          const now = Date.now();
          // This process was busy or asleep itself: what it was told meanwhile is still to be read.
          if (now - looked > this.#options.resend) this.#heard = now;
          looked = now;
          if (now - this.#heard > this.#options.silence)
            reject(new MemberLostError(`${this.name} is silent`));
          if (now - sent < this.#options.resend) return;
          sent = now;
          void send();
        }, this.#options.resend / 10);
      });
      const failed = answer.head as { error?: string; lost?: boolean };
      if (failed.error === undefined) return answer;
      throw failed.lost ? new MemberLostError(failed.error) : new Error(failed.error);
    } finally {
      clearInterval(check);
      this.#waiting.delete(ask);
    }
  }
}
