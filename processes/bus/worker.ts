import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Svcm } from '@nats-io/services';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type * as z from 'zod';
import { openWithAdditions } from '../../engine/models/additions.ts';
import { contentHash, denoiserVersion } from '../../engine/models/content-hash.ts';
import { editingModel, openModel } from '../../engine/models/open.ts';
import { type Job, MemberLostError } from '../../engine/parallel/job.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { BusOptions, Engine } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { placeOf, Turn } from '../devices/turn.ts';
import { LocalCrew, type LocalMember } from '../workers/crew.ts';
import { AddedFiles, type AddedPlaces } from './additions.ts';
import { openAnnounced } from './announced.ts';
import { Drawer } from './batch/draw.ts';
import { ACK_WAIT_MS } from './batch/queue.ts';
import { serveCalls } from './calls.ts';
import { connectBus, leaveBus } from './connection.ts';
import { JobMail } from './job-mail.ts';
import type { Parcel } from './parcels.ts';
import {
  beginSchema,
  endSchema,
  keepSchema,
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
  /** Files that jobs may add to these models. */
  additions?: AddedPlaces;
  threads?: number;
  /** Starts the engine that generates the images of batches; without it the worker takes no batches. */
  openEngine?: () => Engine;
  onLog?: (line: string) => void;
  /** How long its process may give no sign of life; for tests. */
  crew?: ConstructorParameters<typeof LocalCrew>[0];
  /**
   * Milliseconds after which missing features are asked for again, a job with a silent coordinator ends, an image of a
   * batch goes from a silent worker to another, and a job is refused because the GPU computes for another process.
   */
  patience?: Partial<typeof PATIENCE>;
}

const PATIENCE = { mail: 3000, coordinator: 30_000, task: ACK_WAIT_MS, turn: 10_000 };
/** Milliseconds between checks whether a worker that is needed for a whole image is free. */
const CLAIM_MS = 100;
/** Milliseconds for which a worker that is leaving a job is not called busy yet; below those of a discovery. */
const LEAVING_MS = 500;

/** The job that its process works on. */
interface Current {
  job: Job;
  mail: JobMail;
  /** Its process, once the job has begun there. */
  member?: LocalMember;
  alive: Subscription;
  /** Aborted when the job ends. */
  ending: AbortController;
  /** Whether it has this process's turn on the GPU. */
  hasTurn: boolean;
  /** When the coordinator last gave a sign of life. */
  heard: number;
}

/**
 * A worker for pictures of other machines. It listens on no port: it connects to the bus, serves everyone who asks
 * there, one job at a time, and passes features between the bus and its worker process, which computes.
 */
export class BusWorker {
  readonly id = crypto.randomUUID();
  readonly #options: BusWorkerOptions;
  /** Not private, for tests that disturb it. */
  readonly bus: NatsConnection;
  /** Model ids by content hash. */
  readonly #models: ReadonlyMap<string, string>;
  readonly #added: AddedFiles;
  readonly #crew: LocalCrew;
  readonly #turn: Turn;
  readonly #patience: typeof PATIENCE;
  readonly #timers: NodeJS.Timeout[];
  readonly #drawer: Drawer | undefined;
  #isStopping = false;
  /** Whether it draws a whole picture. */
  #isDrawing = false;
  /** Jobs that its process has not left yet. */
  #ending = 0;
  #current: Current | undefined;
  /** When the coordinator was last checked. */
  #looked = Date.now();

  private constructor(
    options: BusWorkerOptions,
    bus: NatsConnection,
    models: Map<string, string>,
    added: AddedFiles,
  ) {
    this.#options = options;
    this.bus = bus;
    this.#models = models;
    this.#added = added;
    this.#patience = { ...PATIENCE, ...options.patience };
    this.#crew = new LocalCrew({ onLog: options.onLog, ...options.crew });
    this.#turn = new Turn(options.onLog);
    serveCalls(bus, `patchwork.worker.${this.id}.call`, (call) => this.#do(call), this.#log);
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

  /** Connects and announces itself. @throws InputError if the bus, a model or a file cannot be used. */
  static async start(options: BusWorkerOptions): Promise<BusWorker> {
    const models = new Map<string, string>();
    const editing = await Promise.all(options.models.map((model) => editingModel(model)));
    for (const name of new Set([...options.models, ...editing.map(({ name }) => name)])) {
      const model = await openModel(name);
      models.set(await contentHash(model), model.id);
    }
    const added = await AddedFiles.open(options.additions ?? {});
    const bus = await connectBus(options.bus, 'patchwork worker');
    const worker = new BusWorker(options, bus, models, added);
    const service = await new Svcm(bus).add({
      name: SERVICE,
      version: packageJson.version,
      description: 'Computes parts of images',
      metadata: {
        worker: worker.id,
        host: os.hostname(),
        protocol: String(PROTOCOL),
        models: JSON.stringify([...models.keys()]),
        additions: JSON.stringify(added.hashes),
      },
      queue: '',
    });
    service.addEndpoint('status', {
      subject: `patchwork.worker.${worker.id}.status`,
      handler: async (_, message) => {
        await worker.#left();
        message.respond(JSON.stringify({ busy: worker.busy }));
      },
    });
    return worker;
  }

  get busy(): boolean {
    return this.#isStopping || this.#isDrawing || this.#ending > 0 || this.#current !== undefined;
  }

  /** Waits a moment for a job that is being left: the picture that follows another one needs the worker again. */
  async #left(): Promise<void> {
    for (let waited = 0; this.#ending > 0 && waited < LEAVING_MS; waited += CLAIM_MS) await pause(CLAIM_MS);
  }

  /**
   * Takes the worker for a whole picture as soon as it is free, with all of the memory.
   * @returns what frees it again; undefined if the worker stops
   */
  async #claim(): Promise<(() => void) | undefined> {
    while (this.busy && !this.#isStopping) await pause(CLAIM_MS);
    if (this.#isStopping) return undefined;
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

  /** Ends its work and its process, and leaves the bus. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#drawer?.stop();
    await this.#end();
    await this.#crew.dispose();
    await this.#turn.leave();
    await leaveBus(this.bus);
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
      await memberOf(this.#called(keep.data.job)).keep(keep.data.job, keep.data.picture);
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
    const plain = await openAnnounced(id, head.model);
    const additions = head.additions && (await this.#added.placesOf(head.additions));
    const version = await denoiserVersion(additions ? await openWithAdditions(id, additions) : plain);
    const job = unpackJob(head, body, { id, version, additions });
    const folder = await this.#crew.mailFolder(job.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Another call may have come first.
    this.#requireFree();
    const current: Current = {
      job,
      mail: new JobMail(this.bus, job, { folder, patience: this.#patience.mail, log: this.#log }),
      alive: this.bus.subscribe(`patchwork.job.${job.id}.alive`, {
        callback: () => {
          current.heard = Date.now();
        },
      }),
      ending: new AbortController(),
      hasTurn: false,
      heard: Date.now(),
    };
    this.#current = current;
    try {
      await this.#drawer?.free();
      await this.#enter(current);
      const [member] = await this.#crew.members(1, this.#options.threads);
      current.member = member!;
      return await member!.begin(job);
    } catch (error) {
      // Another job may have begun after this one was ended.
      if (this.#current === current) await this.#end();
      throw error;
    }
  }

  /** Takes this process's turn on the GPU for a job. @throws MemberLostError if another process keeps it, or the job ends */
  async #enter(current: Current): Promise<void> {
    const device = this.#options.crew?.device;
    if (!device || device.id === 'cpu') return;
    const ended = current.ending.signal;
    try {
      const limits = AbortSignal.any([ended, AbortSignal.timeout(this.#patience.turn)]);
      await this.#turn.enter(placeOf(device.findings), limits);
    } catch {
      throw ended.aborted ? notUnderWay() : new MemberLostError('the GPU of this worker is in use there');
    }
    current.hasTurn = true;
    if (!ended.aborted) return;
    await this.#pause(current);
    throw notUnderWay();
  }

  /** Leaves the GPU to other processes, unless another job follows at once. */
  async #pause(current: Current): Promise<void> {
    if (current.hasTurn) await this.#turn.pause();
    current.hasTurn = false;
  }

  /** @throws MemberLostError if the worker is busy, or stops */
  #requireFree(): void {
    if (this.#isStopping) throw new MemberLostError('this worker stops');
    if (this.#isDrawing || this.#current) throw new MemberLostError('this worker is busy');
  }

  async #step(head: z.infer<typeof stepSchema>, body: Uint8Array): Promise<Parcel> {
    const current = this.#called(head.job);
    const { job, mail } = current;
    const { channels, bands } = job;
    const call = unpackStep(head, body, channels * bands.height * bands.width);
    await mail.before(call);
    const answer = await memberOf(current).step(call);
    mail.after(call);
    return packAnswer(answer);
  }

  /** Returns the current job and records a sign of life from its coordinator. */
  #called(job: string): Current {
    const current = this.#current;
    if (current?.job.id !== job) throw notUnderWay();
    current.heard = Date.now();
    return current;
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
    current.mail.end();
    current.alive.unsubscribe();
    current.ending.abort();
    this.#ending++;
    try {
      // Its process ends as well if this one stops.
      if (!this.#isStopping) await current.member?.end(current.job.id).catch(this.#log);
    } finally {
      await this.#pause(current);
      this.#ending--;
    }
  }

  readonly #log = (error: unknown): void => this.#options.onLog?.(messageOf(error));
}

function memberOf({ member }: Current): LocalMember {
  if (!member) throw notUnderWay();
  return member;
}

const notUnderWay = () => new MemberLostError('the job is not under way here any more');
