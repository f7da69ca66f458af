import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import { Svcm } from '@nats-io/services';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import * as z from 'zod';
import { bandCount } from '../../engine/execution/bands/bands.ts';
import { contentHash, denoiserVersion } from '../../engine/models/content-hash.ts';
import { editingModel, openModel } from '../../engine/models/open.ts';
import { type Job, MemberLostError } from '../../engine/parallel/job.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { BusOptions, Engine } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';
import { LocalCrew, type LocalMember } from '../workers/crew.ts';
import { deliverMessage, postedMessages } from '../workers/file-mailbox.ts';
import { openAnnounced } from './announced.ts';
import { Drawer } from './batch/draw.ts';
import { ACK_WAIT_MS } from './batch/queue.ts';
import { connectBus, leaveBus } from './connection.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import {
  againSchema,
  beginSchema,
  endSchema,
  keepSchema,
  MAX_CALL_BYTES,
  MAX_MAIL_BYTES,
  mailSchema,
  PROTOCOL,
  packAnswer,
  SERVICE,
  stepSchema,
  unpackJob,
  unpackStep,
} from './wire.ts';

interface BusWorkerOptions {
  bus: BusOptions;
  /** The models that it serves: folders, names or architectures. */
  models: readonly string[];
  threads?: number;
  /** Starts the engine that generates the images of batches; without it the worker takes no batches. */
  openEngine?: () => Engine;
  onLog?: (line: string) => void;
  /** How long its process may give no sign of life; for tests. */
  crew?: ConstructorParameters<typeof LocalCrew>[0];
  /**
   * Milliseconds after which missing features are asked for again, a job with a silent coordinator ends, and an image
   * of a batch goes from a silent worker to another.
   */
  patience?: Partial<typeof PATIENCE>;
}

/** How often a worker reports that it works on a call. */
const WORKING_MS = 1000;
const PATIENCE = { mail: 3000, coordinator: 30_000, task: ACK_WAIT_MS };
/** Times that missing features are asked for before the step is given up. */
const ASK_AGAIN = 3;
/** How often a worker that is needed for a whole image checks whether it is free. */
const CLAIM_MS = 100;
/** Number of answers that are kept for repeated calls. */
const KEPT_ANSWERS = 8;

/** Subjects for answers: inboxes only, never a subject that the sender chooses. */
const askSchema = z.object({ ask: z.string().max(64), reply: z.string().regex(/^_INBOX\.[\w-]{1,128}$/) });

interface Current {
  job: Job;
  folder: string;
  subscriptions: Subscription[];
  /** The features received from other bands, by step and band. */
  mail: Set<string>;
  /** Whether they are where the worker process looks for them. */
  laid: Set<string>;
  /** The last requested step. */
  called: number;
  /** The step whose features are ready, if the last step was not dense. */
  posted: number | undefined;
  heard: number;
  arrived: () => void;
}

/**
 * A worker for pictures of other machines. It listens on no port: it connects to the bus, serves whoever asks there,
 * one job at a time, and passes features between the bus and its worker process, which computes.
 */
export class BusWorker {
  readonly id = crypto.randomUUID();
  readonly #options: BusWorkerOptions;
  /** Not private, for tests that disturb it. */
  readonly bus: NatsConnection;
  /** Model ids by content hash. */
  readonly #models: ReadonlyMap<string, string>;
  readonly #crew: LocalCrew;
  readonly #patience: typeof PATIENCE;
  readonly #answers = new Map<string, Parcel | 'working'>();
  readonly #timers: NodeJS.Timeout[];
  readonly #drawer: Drawer | undefined;
  /** Whether it draws a whole picture. */
  #isDrawing = false;
  /** Jobs that its process has not left yet. */
  #ending = 0;
  #current: Current | undefined;
  /** When the coordinator was last checked. */
  #looked = Date.now();

  private constructor(options: BusWorkerOptions, bus: NatsConnection, models: Map<string, string>) {
    this.#options = options;
    this.bus = bus;
    this.#models = models;
    this.#patience = { ...PATIENCE, ...options.patience };
    this.#crew = new LocalCrew({ onLog: options.onLog, ...options.crew });
    receiveParcels(
      bus,
      `patchwork.worker.${this.id}.call`,
      MAX_CALL_BYTES,
      (parcel) => void this.#answer(parcel),
    );
    const { openEngine, threads, onLog } = options;
    this.#drawer =
      openEngine &&
      new Drawer({
        bus,
        models,
        name: `${os.hostname()} (${this.id.slice(0, 4)})`,
        threads,
        openEngine,
        onLog,
        isBusy: () => this.busy,
        claim: () => this.#claim(),
        ackWait: this.#patience.task,
      });
    this.#timers = [setInterval(() => void this.#endIfForgotten(), this.#patience.coordinator / 3)];
  }

  /** Connects and announces itself. @throws InputError if the bus or a model cannot be used. */
  static async start(options: BusWorkerOptions): Promise<BusWorker> {
    const models = new Map<string, string>();
    const editing = await Promise.all(options.models.map((model) => editingModel(model)));
    for (const name of new Set([...options.models, ...editing.map(({ name }) => name)])) {
      const model = await openModel(name);
      models.set(await contentHash(model), model.id);
    }
    const bus = await connectBus(options.bus, 'patchwork worker');
    const worker = new BusWorker(options, bus, models);
    const service = await new Svcm(bus).add({
      name: SERVICE,
      version: packageJson.version,
      description: 'Computes parts of pictures',
      metadata: {
        worker: worker.id,
        host: os.hostname(),
        protocol: String(PROTOCOL),
        models: JSON.stringify([...models.keys()]),
      },
      queue: '',
    });
    service.addEndpoint('status', {
      subject: `patchwork.worker.${worker.id}.status`,
      handler: (_, message) => message.respond(JSON.stringify({ busy: worker.busy })),
    });
    return worker;
  }

  get busy(): boolean {
    return this.#isDrawing || this.#ending > 0 || this.#current !== undefined;
  }

  /** Takes the worker for a whole picture as soon as it is free, with all of the memory. */
  async #claim(): Promise<() => void> {
    while (this.busy) await new Promise((resolve) => setTimeout(resolve, CLAIM_MS));
    this.#isDrawing = true;
    await this.#crew.members(0, this.#options.threads);
    return () => {
      this.#isDrawing = false;
    };
  }

  /** Resolves when the connection is closed for good. */
  async closed(): Promise<void> {
    await this.bus.closed();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#drawer?.stop();
    await this.#end();
    await this.#crew.dispose();
    await leaveBus(this.bus);
  }

  async #answer(parcel: Parcel): Promise<void> {
    const asked = askSchema.safeParse(parcel.head);
    if (!asked.success) return;
    const { ask, reply } = asked.data;
    const working = () => void sendParcel(this.bus, reply, { ask, working: true }).catch(this.#log);
    const before = this.#answers.get(ask);
    // The first of the repeated calls is answered when it is done.
    if (before === 'working') return working();
    const answer = before ?? (await this.#work(parcel, ask, working));
    await sendParcel(this.bus, reply, { ask, answer: answer.head }, answer.body);
  }

  async #work(parcel: Parcel, ask: string, working: () => void): Promise<Parcel> {
    this.#answers.set(ask, 'working');
    working();
    const timer = setInterval(working, WORKING_MS);
    const answer = await this.#do(parcel).catch((error: unknown) => ({
      head: { error: plainText(messageOf(error), 2000), lost: error instanceof MemberLostError },
      body: new Uint8Array(),
    }));
    clearInterval(timer);
    this.#answers.set(ask, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT_ANSWERS) break;
      if (this.#answers.get(oldest) !== 'working') this.#answers.delete(oldest);
    }
    return answer;
  }

  async #do({ head, body }: Parcel): Promise<Parcel> {
    const none = new Uint8Array();
    const [begin, step, keep, end] = [
      beginSchema.safeParse(head),
      stepSchema.safeParse(head),
      keepSchema.safeParse(head),
      endSchema.safeParse(head),
    ];
    if (begin.success) return { head: { begun: await this.#begin(begin.data, body) }, body: none };
    if (step.success) return this.#step(step.data, body);
    if (keep.success) {
      this.#called(keep.data.job);
      await (await this.#member()).keep(keep.data.job, keep.data.picture);
      return { head: { kept: true }, body: none };
    }
    if (!end.success) throw new Error('the call is not understood; do all machines run the same version?');
    if (this.#current?.job.id === end.data.job) await this.#end();
    return { head: { ended: true }, body: none };
  }

  async #begin(head: z.infer<typeof beginSchema>, body: Uint8Array): Promise<number> {
    const id = this.#models.get(head.model);
    if (!id) throw new Error('this worker does not have the model');
    this.#requireFree();
    const version = await denoiserVersion(await openAnnounced(id, head.model));
    const job = unpackJob(head, body, { id, version });
    const folder = await this.#crew.mailFolder(job.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Another call may have come first.
    this.#requireFree();
    const current: Current = {
      job,
      folder,
      subscriptions: [],
      mail: new Set(),
      laid: new Set(),
      called: 0,
      posted: undefined,
      heard: Date.now(),
      arrived: () => {},
    };
    this.#current = current;
    current.subscriptions.push(
      receiveParcels(this.bus, `patchwork.job.${job.id}.mail`, MAX_MAIL_BYTES, (parcel) => {
        // The folder is removed with its job; later messages are dropped.
        const failed = (error: unknown) => this.#current === current && this.#log(error);
        void this.#takeMail(current, parcel).catch(failed);
      }),
      receiveParcels(this.bus, `patchwork.job.${job.id}.again`, 0, ({ head }) => {
        const wanted = againSchema.safeParse(head);
        if (!wanted.success || wanted.data.from !== job.index || !isPosted(current, wanted.data.step)) return;
        void this.#sendMail(current, wanted.data.step).catch(this.#log);
      }),
      this.bus.subscribe(`patchwork.job.${job.id}.alive`, {
        callback: () => {
          current.heard = Date.now();
        },
      }),
    );
    try {
      await this.#drawer?.free();
      return await (await this.#member()).begin(job);
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /** Waits for a job that is being left. */
  #requireFree(): void {
    if (this.#isDrawing || this.#current) throw new MemberLostError('this worker is busy');
  }

  async #step(head: z.infer<typeof stepSchema>, body: Uint8Array): Promise<Parcel> {
    const current = this.#called(head.job);
    const { channels, bands } = current.job;
    const call = unpackStep(head, body, channels * bands.height * bands.width);
    current.called = head.step;
    if (call.kind === 'band' && current.posted !== undefined) await this.#awaitMail(current, current.posted);
    const member = await this.#member();
    const answer = await member.step(call);
    current.posted = call.kind === 'band' ? call.step : undefined;
    // The answer goes out first, so that the coordinator works while features travel.
    if (call.kind === 'band') setImmediate(() => void this.#sendMail(current, call.step).catch(this.#log));
    return packAnswer(answer);
  }

  /** Returns the current job and records a sign of life from its coordinator. */
  #called(job: string): Current {
    const current = this.#current;
    if (current?.job.id !== job) throw new MemberLostError('the job is not under way here any more');
    current.heard = Date.now();
    return current;
  }

  /** Sends what the worker process has posted of a step. */
  async #sendMail({ job, folder }: Current, step: number): Promise<void> {
    const posted = await postedMessages(folder, step, job.index);
    if (posted.length === 0) return;
    const files = posted.map(({ to, bytes }) => ({ to, bytes: bytes.byteLength }));
    const head = { job: job.id, step, from: job.index, files };
    const body = Buffer.concat(posted.map(({ bytes }) => bytes));
    await sendParcel(this.bus, `patchwork.job.${job.id}.mail`, head, body);
  }

  /** Stores another band's features where the worker process looks for them. */
  async #takeMail(current: Current, { head, body }: Parcel): Promise<void> {
    const mail = mailSchema.safeParse(head);
    const { job, folder } = current;
    if (!mail.success || mail.data.job !== job.id) return;
    const { step, from, files } = mail.data;
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const key = mailKey(step, from);
    // From old steps, from this band itself, or received twice: dropped.
    const isWanted = step >= (current.posted ?? current.called) && step <= current.called + 1;
    if (!isWanted || current.mail.has(key) || from === job.index || from >= bandCount(job.bands)) return;
    if (total !== body.byteLength) return;
    current.mail.add(key);
    try {
      let at = 0;
      for (const { to, bytes } of files) {
        const message = { to, bytes: body.subarray(at, at + bytes) };
        if (to === 'all' || to === job.index) await deliverMessage(folder, step, from, message);
        at += bytes;
      }
    } catch (error) {
      current.mail.delete(key);
      throw error;
    }
    current.laid.add(key);
    current.mail.delete(mailKey(step - 3, from));
    current.laid.delete(mailKey(step - 3, from));
    current.arrived();
  }

  /** Waits until every other band's features of a step are here; asks again for those that are not. */
  async #awaitMail(current: Current, step: number): Promise<void> {
    const { job, laid } = current;
    if (job.mode === 'naive') return;
    const missing = () =>
      Array.from({ length: bandCount(job.bands) }, (_, k) => k).filter(
        (k) => k !== job.index && !laid.has(mailKey(step, k)),
      );
    for (let asked = 0; missing().length > 0; asked++) {
      const came = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), this.#patience.mail);
        current.arrived = () => {
          if (missing().length > 0) return;
          clearTimeout(timer);
          resolve(true);
        };
      });
      if (came) return;
      if (asked >= ASK_AGAIN || this.#current !== current)
        throw new Error(`features of band ${missing()[0]! + 1} did not come`);
      for (const from of missing())
        await sendParcel(this.bus, `patchwork.job.${job.id}.again`, { job: job.id, step, from });
    }
  }

  async #member(): Promise<LocalMember> {
    const [member] = await this.#crew.members(1, this.#options.threads);
    return member!;
  }

  async #endIfForgotten(): Promise<void> {
    const now = Date.now();
    // This process was busy or asleep itself: messages that arrived in the meantime have not been read yet.
    if (this.#current && now - this.#looked > this.#patience.coordinator / 2) this.#current.heard = now;
    this.#looked = now;
    if (this.#current && now - this.#current.heard > this.#patience.coordinator) await this.#end();
  }

  async #end(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (!current) return;
    for (const subscription of current.subscriptions) subscription.unsubscribe();
    this.#ending++;
    try {
      const member = await this.#member();
      await member.end(current.job.id).catch(this.#log);
    } finally {
      this.#ending--;
    }
  }

  readonly #log = (error: unknown): void => this.#options.onLog?.(messageOf(error));
}

function mailKey(step: number, from: number): string {
  return `${step} ${from}`;
}

/** Whether a step's features are still here: the next step may be done already. */
function isPosted({ posted }: Current, step: number): boolean {
  return posted !== undefined && (step === posted || step === posted - 1);
}
