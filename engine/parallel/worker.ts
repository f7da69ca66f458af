import { formatBytes } from '../../shared/units.ts';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import type { DenoisedBand } from '../execution/bands/band-of.ts';
import { byteLengthOf, type Mailbox } from '../execution/bands/mailbox.ts';
import { Components } from '../execution/components.ts';
import { batchOf, imageSizes } from '../execution/condition.ts';
import { precisionOn } from '../execution/default-precision.ts';
import type { Denoiser } from '../execution/denoiser.ts';
import { plannedDevice, predictDenoiser } from '../execution/memory-plan.ts';
import type { ModelAdditions } from '../models/additions.ts';
import { denoiserVersion } from '../models/content-hash.ts';
import type { Model } from '../models/model.ts';
import { FeatureStore, type Features } from '../regions/store.ts';
import type { Job, StepAnswer, StepCall } from './job.ts';

/** A job under way. */
interface Running {
  job: Job;
  denoiser: Denoiser;
  band: DenoisedBand;
  mailbox: CountingMailbox;
  /** Features that this worker has computed again, by timestep, for an edit that it computes alone. */
  fresh: Map<number, Features>;
}

/** Does the work of one band at a time, for one job at a time. */
export class PatchWorker {
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #open: (model: string, additions?: ModelAdditions) => Promise<Model>;
  /** Features of the images that it helps to edit. */
  readonly #features: FeatureStore;
  #components: Components | undefined;
  /** The model's name, and the version of its files. */
  #loaded: string | undefined;
  #current: Running | undefined;

  /** `storeBudget`: bytes that recorded features may take. */
  constructor(
    backend: Backend,
    threads: number,
    open: (model: string, additions?: ModelAdditions) => Promise<Model>,
    storeBudget = backend.can.memoryBytes / 4,
  ) {
    this.#backend = backend;
    this.#threads = threads;
    this.#open = open;
    this.#features = new FeatureStore(storeBudget);
  }

  async begin(job: Job, mailbox: Mailbox): Promise<number> {
    await this.#finish();
    const begin = performance.now();
    const { components, isLoaded } = await this.#componentsOf(job);
    await this.#checkRoom(components, job, isLoaded);
    const precision = precisionOn(this.#backend.can, job.precision);
    await components.prepare(precision);
    const denoiser = components.denoiser({ precision }, {}, imageSizes(job.condition));
    const { bands, index, mode, coding, shallow, edit } = job;
    const what = {
      bands,
      index,
      mode,
      coding,
      shallow,
      ...(edit && { edit: { mask: edit.mask, ring: edit.ring } }),
    };
    const band = await denoiser.band(what, batchOf(job.condition));
    const fresh = new Map<number, Features>();
    this.#current = { job, denoiser, band, mailbox: new CountingMailbox(mailbox), fresh };
    return (performance.now() - begin) / 1000;
  }

  /** @throws InputError if a job is larger than images may be, or needs more memory than there is */
  async #checkRoom(
    components: Components,
    { bands, condition, precision, edit }: Job,
    isLoaded: boolean,
  ): Promise<void> {
    const { model } = components;
    const { height, width } = bands;
    if (Math.max(height, width) * model.autoencoder.scale > model.sizes.max)
      throw new InputError(`images of ${model.name} have at most ${model.sizes.max} pixels along a side`);
    const extent = { height, width, batch: batchOf(condition), tokens: condition.text.dims[1]! };
    const stored = await components.storedForms(['denoiser']);
    const { can } = this.#backend;
    const form = {
      precision: precisionOn(can, precision),
      rows: true,
      records: edit !== undefined,
      stored,
      loaded: isLoaded,
      device: plannedDevice(this.#backend, false),
    };
    const { weights, values } = predictDenoiser(components.network('denoiser'), extent, form);
    const held = this.#features.bytes + (isLoaded ? weights : 0);
    const available = Math.min(can.memoryBytes, this.#backend.availableBytes() + held);
    if (weights + values > available)
      throw new InputError(
        `${model.name} needs about ${formatBytes(weights + values)} of memory for this image, and ${formatBytes(available)} are free`,
      );
  }

  async step(call: StepCall): Promise<StepAnswer> {
    const running = this.#under(call.job);
    const { job, band, mailbox, fresh } = running;
    const begin = performance.now();
    mailbox.reset();
    const { seen, recordSeconds } = await this.#seenBy(running, call);
    const { kind, shallow, step, sample, timestep } = call;
    const stepped = { kind, shallow, step, sample, timestep, condition: job.condition, seen };
    const { output, runSeconds, features } = await band.step(stepped, mailbox);
    if (features) fresh.set(timestep, features);
    const { sentBytes, receivedBytes } = mailbox;
    const seconds = (performance.now() - begin) / 1000;
    return { output, runSeconds, recordSeconds, seconds, sentBytes, receivedBytes };
  }

  /** For an edit: the features of the original image's trajectory, recorded now unless this worker has them already. */
  async #seenBy(
    { job: { edit, condition }, denoiser }: Running,
    { timestep, own }: StepCall,
  ): Promise<{ seen?: Features; recordSeconds: number }> {
    if (!edit) return { recordSeconds: 0 };
    const key = { picture: edit.picture, timestep };
    const known = this.#features.get(key);
    if (known) return { seen: known, recordSeconds: 0 };
    if (!own) throw new Error('an edit came without the process of its picture');
    const begin = performance.now();
    const { height, width } = edit.mask;
    const whole = await denoiser.plan({ of: 'whole', height, width, records: true }, batchOf(condition));
    const { features } = await denoiser.predict(whole, own, timestep, edit.condition, { record: true });
    this.#features.put(key, features!);
    return { seen: features!, recordSeconds: (performance.now() - begin) / 1000 };
  }

  /** See `Member`. */
  async keep(job: string, picture: string): Promise<void> {
    const { job: own, denoiser, band, fresh } = this.#under(job);
    if (!own.edit) return;
    for (const [timestep, features] of fresh) {
      const seen = this.#features.get({ picture: own.edit.picture, timestep });
      const updated = seen && (await denoiser.updated(seen, band.whole, features));
      if (updated) this.#features.put({ picture, timestep }, updated);
    }
  }

  async end(job: string): Promise<void> {
    if (this.#current?.job.id === job) await this.#finish();
  }

  async release(): Promise<void> {
    await this.#finish();
    await this.#components?.release();
    this.#components = undefined;
    this.#features.clear();
  }

  #under(job: string): Running {
    if (this.#current?.job.id !== job) throw new Error(`job ${job} was not begun here`);
    return this.#current;
  }

  async #finish(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.mailbox.close();
  }

  /** @throws InputError if the files here are not those that the job's coordinator has */
  async #componentsOf({
    model: name,
    additions,
    version,
  }: Job): Promise<{ components: Components; isLoaded: boolean }> {
    // Opened for every job: its files may have changed.
    const model = await this.#open(name, additions);
    const own = await denoiserVersion(model);
    if (own !== version)
      throw new InputError(`the files of ${model.name} are others than when the image began; start it again`);
    const key = JSON.stringify([name, version]);
    const isLoaded = this.#components !== undefined && this.#loaded === key;
    if (!isLoaded) {
      await this.#components?.release();
      this.#components = new Components(model, this.#backend, this.#threads);
      this.#loaded = key;
      this.#features.clear();
    }
    return { components: this.#components!, isLoaded };
  }
}

/** A mailbox that counts what goes through it. */
class CountingMailbox implements Mailbox {
  readonly #mailbox: Mailbox;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox;
  }

  reset(): void {
    this.sentBytes = 0;
    this.receivedBytes = 0;
  }

  post: Mailbox['post'] = async (step, to, parts) => {
    this.sentBytes += byteLengthOf(parts);
    await this.#mailbox.post(step, to, parts);
  };

  fetch: Mailbox['fetch'] = async (step, from, to, slots) => {
    await this.#mailbox.fetch(step, from, to, slots);
    this.receivedBytes += byteLengthOf(slots);
  };

  close(): Promise<void> {
    return this.#mailbox.close();
  }
}
