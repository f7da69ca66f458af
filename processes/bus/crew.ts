import { randomBytes, randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import type * as z from 'zod';
import { InputError } from '../../engine/errors.ts';
import type { ModelAdditions } from '../../engine/models/additions.ts';
import { contentHash } from '../../engine/models/content-hash.ts';
import { openModel } from '../../engine/models/open.ts';
import {
  type Crew,
  CrewLostError,
  type Job,
  type Member,
  MemberLostError,
  type StepAnswer,
  type StepCall,
} from '../../engine/parallel/job.ts';
import type { BusOptions } from '../../shared/api.ts';
import { plainText } from '../../shared/plainText.ts';
import { sentAdditions } from './additions.ts';
import { busAddress } from './address.ts';
import { numbersIn } from './condition-wire.ts';
import { connectBus, leaveBus } from './connection.ts';
import { findWorkers } from './discovery.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import {
  ANSWERS,
  answeredSchema,
  failureSchema,
  MAX_CALL_BYTES,
  packJob,
  packStep,
  type SentAdditions,
} from './wire.ts';

/** A call without an answer is sent again: it or its answer may have been lost. */
const RESEND_MS = 5000;
/** A worker that is silent about a call for this long counts as lost. */
const SILENCE_MS = 8000;
const ALIVE_MS = 2000;

interface BusCrewOptions {
  /** Milliseconds; for tests. */
  resend?: number;
  silence?: number;
}

/** Workers on other machines, found on a bus. */
export class BusCrew implements Crew {
  readonly equallyFast = false;
  /** Not private, for tests that disturb it. */
  readonly bus: NatsConnection;
  readonly #options: Required<BusCrewOptions>;
  /** The members of the picture under way. */
  #members: BusMember[] = [];

  readonly #host: string;
  #isConnected = true;

  private constructor(bus: NatsConnection, host: string, options: BusCrewOptions) {
    this.bus = bus;
    this.#host = host;
    void this.#follow();
    this.#options = { resend: RESEND_MS, silence: SILENCE_MS, ...options };
  }

  /** @throws InputError if the bus cannot be used. */
  static async connect(bus: BusOptions, options: BusCrewOptions = {}): Promise<BusCrew> {
    return new BusCrew(await connectBus(bus, 'patchwork'), busAddress(bus.url).host, options);
  }

  /** Free workers that have the model and run this version. Workers choose their own thread count. */
  async members(
    count: number,
    _threads: number | undefined,
    model: string,
    additions: ModelAdditions = {},
  ): Promise<Member[]> {
    for (const member of this.#members) member.close();
    const hash = await contentHash(await openModel(model));
    const { sent, names } = await sentAdditions(additions);
    const { found, others } = await findWorkers(this.bus, hash, names);
    const free = found.filter(({ busy }) => !busy);
    if (free.length === 0) {
      const why = [...others, ...found.map(({ name }) => `${name} is busy`)];
      throw new InputError(
        `No worker on the bus can help${why.length ? `: ${why.join('; ')}` : ''}. Start one with: patchwork worker --bus URL${names.size > 0 ? ', and name its files (--lora, --control-model, --reference-model)' : ''}`,
      );
    }
    const chosen = free.slice(0, count || free.length);
    const options = { ...this.#options, whenSilent: this.#whenSilent };
    this.#members = chosen.map(
      ({ worker, name }) => new BusMember(this.bus, { worker, name, model: hash, additions: sent }, options),
    );
    return [...this.#members];
  }

  /** Tracks whether the server is reachable. The client reconnects automatically, without a limit. */
  async #follow(): Promise<void> {
    for await (const { type } of this.bus.status())
      if (type === 'disconnect' || type === 'reconnect') this.#isConnected = type === 'reconnect';
  }

  readonly #whenSilent = (member: string): Error =>
    this.#isConnected && !this.bus.isClosed()
      ? new MemberLostError(`${member} is silent`)
      : new CrewLostError(
          `The connection to the bus at ${this.#host} was lost, and with it all workers. Start its server again, or generate without a bus.`,
        );

  async dispose(): Promise<void> {
    for (const member of this.#members) member.close();
    await leaveBus(this.bus);
  }
}

interface BusMemberOptions extends Required<BusCrewOptions> {
  /** The error of a worker that is silent. */
  whenSilent: (member: string) => Error;
}

/** A worker, and what it computes with. */
interface MemberWork {
  worker: string;
  name: string;
  model: string;
  additions: SentAdditions | undefined;
}

/** A call that waits for its answer. */
interface Waiting {
  answer: (parcel: Parcel) => void;
  fail: (error: Error) => void;
  /** When it was last heard of. */
  heard: number;
}

/** A worker at the other end of the bus. */
class BusMember implements Member {
  readonly name: string;
  readonly #bus: NatsConnection;
  readonly #worker: string;
  /** The model's content hash. */
  readonly #model: string;
  readonly #additions: SentAdditions | undefined;
  readonly #options: BusMemberOptions;
  readonly #inbox = `_INBOX.${randomBytes(16).toString('hex')}`;
  readonly #waiting = new Map<string, Waiting>();
  readonly #close: () => void;
  #job: string | undefined;

  constructor(
    bus: NatsConnection,
    { worker, name, model, additions }: MemberWork,
    options: BusMemberOptions,
  ) {
    this.#bus = bus;
    this.#worker = worker;
    this.name = name;
    this.#model = model;
    this.#additions = additions;
    this.#options = options;
    const answers = receiveParcels(bus, this.#inbox, MAX_CALL_BYTES, ({ head, body }) => {
      const answered = answeredSchema.safeParse(head);
      const waiting = answered.success && this.#waiting.get(answered.data.ask);
      if (!waiting) return;
      waiting.heard = Date.now();
      if ('answer' in answered.data) waiting.answer({ head: answered.data.answer, body });
    });
    const timer = setInterval(() => {
      if (this.#job && !bus.isClosed()) bus.publish(`patchwork.job.${this.#job}.alive`);
    }, ALIVE_MS);
    this.#close = () => {
      clearInterval(timer);
      answers.unsubscribe();
    };
  }

  async begin(job: Job): Promise<number> {
    this.#job = job.id;
    return (await this.#ask(packJob(job, this.#model, this.#additions), ANSWERS.begin)).begun;
  }

  async step(call: StepCall): Promise<StepAnswer> {
    const { body, ...figures } = await this.#askForNumbers(packStep(call), ANSWERS.step);
    return { ...figures, output: numbersIn(body) };
  }

  async keep(job: string, picture: string): Promise<void> {
    await this.#ask({ head: { call: 'keep', job, picture }, body: new Uint8Array() }, ANSWERS.keep);
  }

  async end(job: string): Promise<void> {
    if (this.#job === job) this.#job = undefined;
    await this.#ask({ head: { call: 'end', job }, body: new Uint8Array() }, ANSWERS.end);
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

  async #ask<Answer extends object>(call: Parcel, schema: z.ZodType<Answer>): Promise<Answer> {
    const { body, ...answer } = await this.#askForNumbers(call, schema);
    if (body.byteLength > 0) throw new Error(SENSELESS);
    return answer as unknown as Answer;
  }

  /** An answer of the call's own form, with the bytes that came with it. The caller checks their number. */
  async #askForNumbers<Answer extends object>(
    call: Parcel,
    schema: z.ZodType<Answer>,
  ): Promise<Answer & { body: Uint8Array }> {
    const { head, body } = await this.#answerTo(call);
    const failed = failureSchema.safeParse(head);
    if (failed.success) {
      const words = plainText(failed.data.error);
      throw failed.data.lost ? new MemberLostError(words) : new Error(words);
    }
    const answer = schema.safeParse(head);
    if (!answer.success || body.byteLength % Float32Array.BYTES_PER_ELEMENT > 0) throw new Error(SENSELESS);
    return { ...answer.data, body };
  }

  /** Asks until there is an answer, or the worker has said nothing of this call for too long. */
  async #answerTo({ head, body }: Parcel): Promise<Parcel> {
    const ask = randomUUID();
    const { resend, silence, whenSilent } = this.#options;
    const subject = `patchwork.worker.${this.#worker}.call`;
    const asked = { ...(head as object), ask, reply: this.#inbox };
    let check: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Parcel>((resolve, reject) => {
        let sent = Date.now();
        let looked = sent;
        const waiting: Waiting = { answer: resolve, fail: reject, heard: sent };
        this.#waiting.set(ask, waiting);
        const send = () =>
          sendParcel(this.#bus, subject, asked, body).catch((error: unknown) =>
            reject(this.#bus.isClosed() ? whenSilent(this.name) : error),
          );
        void send();
        check = setInterval(() => {
          const now = Date.now();
          // This process was busy or asleep itself: messages that arrived in the meantime have not been read yet.
          if (now - looked > resend) waiting.heard = now;
          looked = now;
          if (now - waiting.heard > silence) reject(whenSilent(this.name));
          if (now - Math.max(sent, waiting.heard) < resend) return;
          sent = now;
          void send();
        }, resend / 10);
      });
    } finally {
      clearInterval(check);
      this.#waiting.delete(ask);
    }
  }
}

const SENSELESS = 'it gave an answer that makes no sense';
