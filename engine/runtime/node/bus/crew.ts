import { randomBytes, randomUUID } from 'node:crypto';
import { type ServiceInfo, Svcm } from '@nats-io/services';
import { type NatsConnection, NoRespondersError } from '@nats-io/transport-node';
import * as z from 'zod';
import packageJson from '../../../../package.json' with { type: 'json' };
import type { BusOptions } from '../../../api.ts';
import { InputError } from '../../../errors.ts';
import { contentHash } from '../../../models/content-hash.ts';
import { openModel } from '../../../models/open.ts';
import {
  type Crew,
  type Job,
  type Member,
  MemberLostError,
  type StepAnswer,
  type StepCall,
} from '../../../parallel/job.ts';
import { connectBus, leaveBus } from './connection.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import { answerSchema, MAX_CALL_BYTES, numbersIn, PROTOCOL, packJob, packStep, SERVICE } from './wire.ts';

/** How long workers have to say that they are there. */
const DISCOVERY_MS = 700;
/** A call that has no answer is sent again: it or its answer may have been lost. */
const RESEND_MS = 5000;
/** A worker that says nothing for so long is lost. */
const SILENCE_MS = 8000;
const ALIVE_MS = 2000;

const metadataSchema = z.object({
  worker: z.uuid(),
  host: z.string().max(256),
  protocol: z.string(),
  models: z.string().max(1 << 16),
});
const modelsSchema = z.array(z.string().max(128));
const answeredSchema = z.object({ ask: z.string().max(64), answer: answerSchema });

export interface BusCrewOptions {
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
    const found: { worker: string; name: string }[] = [];
    const others: string[] = [];
    for (const { metadata, version } of await this.#services()) {
      const known = metadataSchema.safeParse(metadata);
      if (!known.success) continue;
      const { worker, host, protocol, models } = known.data;
      const name = `${host} (${worker.slice(0, 4)})`;
      if (version !== packageJson.version || protocol !== String(PROTOCOL))
        others.push(`${name} runs ${version}`);
      else if (!holds(models, hash)) others.push(`${name} does not have the model`);
      else if (await this.#isBusy(worker)) others.push(`${name} is busy`);
      else found.push({ worker, name });
    }
    if (found.length === 0)
      throw new InputError(
        `No worker on the bus can help${others.length ? `: ${others.join('; ')}` : ''}. Start one with: patchwork worker --bus URL`,
      );
    const chosen = found.sort((a, b) => a.name.localeCompare(b.name)).slice(0, count || found.length);
    this.#members = chosen.map(
      ({ worker, name }) => new BusMember(this.bus, worker, name, hash, this.#options),
    );
    return [...this.#members];
  }

  async dispose(): Promise<void> {
    for (const member of this.#members) member.close();
    await leaveBus(this.bus);
  }

  async #services(): Promise<ServiceInfo[]> {
    const client = new Svcm(this.bus).client({ strategy: 'timer', maxWait: DISCOVERY_MS });
    const found: ServiceInfo[] = [];
    try {
      for await (const service of await client.info(SERVICE)) found.push(service);
    } catch (error) {
      const nobody = [error, (error as Error).cause].some((one) => one instanceof NoRespondersError);
      if (!nobody) throw error;
    }
    return found;
  }

  async #isBusy(worker: string): Promise<boolean> {
    try {
      const reply = await this.bus.request(`patchwork.worker.${worker}.status`, '', {
        timeout: DISCOVERY_MS,
      });
      return reply.json<{ busy?: unknown }>().busy !== false;
    } catch {
      return true;
    }
  }
}

function holds(models: string, hash: string): boolean {
  try {
    const list = modelsSchema.safeParse(JSON.parse(models));
    return list.success && list.data.includes(hash);
  } catch {
    return false;
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
      if (this.#job) bus.publish(`patchwork.job.${this.#job}.alive`);
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
        const send = () => sendParcel(this.#bus, subject, asked, body).catch(reject);
        void send();
        check = setInterval(() => {
          const now = Date.now();
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
