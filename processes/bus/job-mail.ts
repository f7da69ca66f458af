import type { NatsConnection } from '@nats-io/transport-node';
import { bandCount } from '../../engine/execution/bands/bands.ts';
import type { Job } from '../../engine/parallel/job.ts';
import { deliverMessage, postedMessages } from '../workers/file-mailbox.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import { againSchema, MAX_MAIL_BYTES, mailSchema } from './wire.ts';

/** Times that missing features are asked for before the step is given up. */
const ASK_AGAIN = 3;

interface JobMailOptions {
  /** Where the worker process reads and writes features. */
  folder: string;
  /** Milliseconds after which missing features are asked for again. */
  patience: number;
  log: (error: unknown) => void;
}

/** The features of a job that other bands compute, between the bus and the worker process. */
export class JobMail {
  readonly #bus: NatsConnection;
  readonly #job: Job;
  readonly #options: JobMailOptions;
  readonly #subscriptions: { unsubscribe(): void }[];
  /** Messages that are being written or have been written, by step and band. */
  readonly #taken = new Set<string>();
  /** Messages stored where the worker process looks for them. */
  readonly #delivered = new Set<string>();
  /** The last requested step. */
  #called = 0;
  /** The step whose features are ready, if the last step was not dense. */
  #posted: number | undefined;
  #arrived: () => void = () => {};
  #ended = false;

  constructor(bus: NatsConnection, job: Job, options: JobMailOptions) {
    this.#bus = bus;
    this.#job = job;
    this.#options = options;
    this.#subscriptions = [
      receiveParcels(bus, `patchwork.job.${job.id}.mail`, MAX_MAIL_BYTES, (parcel) => {
        // The folder is removed with its job; later messages are dropped.
        void this.#take(parcel).catch((error) => !this.#ended && options.log(error));
      }),
      receiveParcels(bus, `patchwork.job.${job.id}.again`, 0, ({ head }) => {
        const asked = againSchema.safeParse(head);
        if (!asked.success || asked.data.from !== job.index || !this.#isPosted(asked.data.step)) return;
        void this.#send(asked.data.step).catch(options.log);
      }),
    ];
  }

  /** Waits until the worker process can compute a step. @throws Error if other bands' features do not arrive */
  async before({ step, kind }: { step: number; kind: 'dense' | 'band' }): Promise<void> {
    this.#called = step;
    if (kind === 'band' && this.#posted !== undefined) await this.#await(this.#posted);
  }

  /** The worker process has computed a step: what it posted is sent. */
  after({ step, kind }: { step: number; kind: 'dense' | 'band' }): void {
    this.#posted = kind === 'band' ? step : undefined;
    // The answer goes out first, so that the coordinator works while features travel.
    if (kind === 'band') setImmediate(() => void this.#send(step).catch(this.#options.log));
  }

  end(): void {
    this.#ended = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Sends what the worker process has posted of a step. */
  async #send(step: number): Promise<void> {
    const { id, index } = this.#job;
    const posted = await postedMessages(this.#options.folder, step, index);
    if (posted.length === 0) return;
    const files = posted.map(({ to, bytes }) => ({ to, bytes: bytes.byteLength }));
    const head = { job: id, step, from: index, files };
    const body = Buffer.concat(posted.map(({ bytes }) => bytes));
    await sendParcel(this.#bus, `patchwork.job.${id}.mail`, head, body);
  }

  /** Stores another band's features where the worker process looks for them. */
  async #take({ head, body }: Parcel): Promise<void> {
    const mail = mailSchema.safeParse(head);
    const { id, index, bands } = this.#job;
    if (!mail.success || mail.data.job !== id) return;
    const { step, from, files } = mail.data;
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const key = keyOf(step, from);
    // From old steps, from this band itself, or received twice: dropped.
    const isWanted = step >= (this.#posted ?? this.#called) && step <= this.#called + 1;
    if (!isWanted || this.#taken.has(key) || from === index || from >= bandCount(bands)) return;
    if (total !== body.byteLength) return;
    this.#taken.add(key);
    try {
      let at = 0;
      for (const { to, bytes } of files) {
        const message = { to, bytes: body.subarray(at, at + bytes) };
        if (to === 'all' || to === index) await deliverMessage(this.#options.folder, step, from, message);
        at += bytes;
      }
    } catch (error) {
      this.#taken.delete(key);
      throw error;
    }
    this.#delivered.add(key);
    this.#taken.delete(keyOf(step - 3, from));
    this.#delivered.delete(keyOf(step - 3, from));
    this.#arrived();
  }

  /** Waits until every other band's features of a step are here; asks again for those that are not. */
  async #await(step: number): Promise<void> {
    const { id, index, bands, mode } = this.#job;
    if (mode === 'naive') return;
    const missing = () =>
      Array.from({ length: bandCount(bands) }, (_, k) => k).filter(
        (k) => k !== index && !this.#delivered.has(keyOf(step, k)),
      );
    for (let asked = 0; missing().length > 0; asked++) {
      const came = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), this.#options.patience);
        this.#arrived = () => {
          if (missing().length > 0) return;
          clearTimeout(timer);
          resolve(true);
        };
      });
      if (came) return;
      if (asked >= ASK_AGAIN || this.#ended)
        throw new Error(`features of band ${missing()[0]! + 1} did not come`);
      for (const from of missing())
        await sendParcel(this.#bus, `patchwork.job.${id}.again`, { job: id, step, from });
    }
  }

  /** Whether a step's features are still here: the next step may be done already. */
  #isPosted(step: number): boolean {
    return this.#posted !== undefined && (step === this.#posted || step === this.#posted - 1);
  }
}

function keyOf(step: number, from: number): string {
  return `${step} ${from}`;
}
