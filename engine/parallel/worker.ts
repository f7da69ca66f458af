import type { Backend } from '../execution/backend.ts';
import { Components } from '../execution/components.ts';
import { isDense } from '../execution/feeds.ts';
import { batchOf, type Condition, unetInputs } from '../execution/guidance.ts';
import { type Pass, RowsUNet } from '../execution/rows-unet.ts';
import { floats } from '../graph/tensor.ts';
import type { Model } from '../models/model.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import { fullMask, pyramid } from '../regions/mask.ts';
import { planLevels } from '../regions/plan.ts';
import { takeRows, toRows } from '../regions/rows.ts';
import { FeatureStore } from '../regions/store.ts';
import { BandEdit } from './band-edit.ts';
import { BandUNet } from './band-unet.ts';
import { bandCount } from './bands.ts';
import type { EditJob, Job, StepAnswer, StepCall } from './job.ts';
import { byteLengthOf, type Mailbox } from './mailbox.ts';

/** What a worker runs a job's steps with. */
interface Work {
  step(call: StepCall): Promise<{ output: Float32Array; runSeconds: number; recordSeconds?: number }>;
  keep?(picture: string): void;
}

/** Forms of the U-Net; only small models are held in several. */
type Form = 'planar' | 'bands' | 'edit';

/** Does the work of one band at a time, for one job at a time. */
export class PatchWorker {
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #open: (model: string) => Promise<Model>;
  /** Of the pictures that it helps to edit. */
  readonly #features: FeatureStore;
  #components: Components | undefined;
  #name: string | undefined;
  #form: Form | undefined;
  #current: { job: string; work: Work; mailbox: CountingMailbox } | undefined;

  /** `storeBudget`: bytes that recorded features may take. */
  constructor(
    backend: Backend,
    threads: number,
    open: (model: string) => Promise<Model>,
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
    const components = await this.#componentsOf(job.model);
    const counting = new CountingMailbox(mailbox);
    await components.prepare(job.precision);
    await this.#makeRoom(formOf(job, this.#form), components);
    const work =
      this.#form === 'planar'
        ? await planarWork(components, job)
        : this.#form === 'edit'
          ? await editWork(components, job, job.edit!, counting, this.#features)
          : await bandWork(components, job, counting);
    this.#current = { job: job.id, work, mailbox: counting };
    return (performance.now() - begin) / 1000;
  }

  async step(call: StepCall): Promise<StepAnswer> {
    const { work, mailbox } = this.#under(call.job);
    const begin = performance.now();
    mailbox.reset();
    const { recordSeconds = 0, ...done } = await work.step(call);
    const { sentBytes, receivedBytes } = mailbox;
    const seconds = (performance.now() - begin) / 1000;
    return { ...done, recordSeconds, seconds, sentBytes, receivedBytes };
  }

  /** See `Member`. */
  keep(job: string, picture: string): void {
    this.#under(job).work.keep?.(picture);
  }

  async end(job: string): Promise<void> {
    if (this.#current?.job === job) await this.#finish();
  }

  async release(): Promise<void> {
    await this.#finish();
    await this.#components?.release();
    this.#components = undefined;
    this.#features.clear();
  }

  #under(job: string) {
    if (this.#current?.job !== job) throw new Error(`job ${job} was not begun here`);
    return this.#current;
  }

  /** Frees the form that the U-Net is loaded in, where another is needed and the two would take much memory. */
  async #makeRoom(form: Form, components: Components): Promise<void> {
    if (this.#form && this.#form !== form && !(await components.isSmall())) await components.free('denoiser');
    this.#form = form;
  }

  async #finish(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.mailbox.close();
  }

  async #componentsOf(name: string): Promise<Components> {
    if (!this.#components || this.#name !== name) {
      const model = await this.#open(name);
      await this.#components?.release();
      this.#components = new Components(model, this.#backend, this.#threads);
      this.#name = name;
      this.#form = undefined;
      this.#features.clear();
    }
    return this.#components;
  }
}

/** The form that a job takes; the rows form, once it is loaded, serves jobs without other bands too. */
function formOf({ edit, bands, precision }: Job, loaded: Form | undefined): Form {
  if (edit) return 'edit';
  return bandCount(bands) === 1 && precision === 'fp32' && loaded !== 'bands' ? 'planar' : 'bands';
}

/** A band of a picture. */
async function bandWork(components: Components, job: Job, mailbox: Mailbox): Promise<Work> {
  const { bands, index, mode, coding, condition, channels, precision } = job;
  const { height, width } = bands;
  const canFold = precision !== 'int4' && RowsUNet.canFold(components.network('denoiser'), height, width);
  const form = {
    foldUpsampling: canFold,
    storage: 'float32',
    statistics: 'bands',
    attention: 'full',
  } as const;
  const unet = await components.rowsUNet(form, precision);
  const batch = batchOf(condition);
  const unit = new BandUNet(unet, { bands, index, batch, mode, moments: 'mixed', coding });
  const own = unit.exchange.plan.levels[0]!.stored;
  let posted: number | undefined;
  return {
    async step({ kind, step, timestep, sample }) {
      const at = kind === 'dense' ? unit.everywhere : unit.positions;
      const rows = toRows(sample, 1, channels, at);
      const inputs = unetInputs(rows, [at.length, channels], timestep, condition);
      if (kind === 'band' && posted !== undefined) await unit.fetch(mailbox, posted);
      const begin = performance.now();
      const output = await (kind === 'dense' ? unit.dense(inputs) : unit.step(inputs));
      const runSeconds = (performance.now() - begin) / 1000;
      if (kind === 'dense') {
        posted = undefined;
        return { output: takeRows(output, batch, output.length / (batch * at.length), own), runSeconds };
      }
      await unit.post(mailbox, step);
      posted = step;
      return { output, runSeconds };
    },
  };
}

/**
 * A band of the positions that an edit computes, with the features of the picture's own process around it: recorded by
 * this worker, of its branches, where it has not done so before.
 */
async function editWork(
  components: Components,
  job: Job,
  { picture, mask, ring, condition: told }: EditJob,
  mailbox: Mailbox,
  store: FeatureStore,
): Promise<Work> {
  const { bands, index, mode, coding, condition, channels, precision } = job;
  const { editing: part, recording } = await components.editingUNet(mask, { precision });
  const batch = batchOf(condition);
  const active = pyramid(mask, levelCount(featuresOf(part.network)), ring);
  // Only the form that records can also compute everything.
  const editing = isDense(planLevels(active)) ? await recording() : part;
  const unit = new BandEdit(editing, { bands, index, active, batch, mode, coding });
  const isAlone = unit.exchange.count === 1;
  const own = rowsIn(unit.everywhere, unit.positions);
  const recordedAt = async (timestep: number, planes: Float32Array | undefined) => {
    const known = store.get({ picture, timestep });
    if (known) return { recorded: known, recordSeconds: 0 };
    if (!planes) throw new Error('an edit came without the process of its picture');
    const begin = performance.now();
    const unet = await recording();
    const everywhere = unet.dense(mask.height, mask.width, batch);
    const sample = toRows(planes, 1, channels, everywhere.plan.levels[0]!.active);
    const inputs = unetInputs(sample, [everywhere.rows, channels], timestep, told);
    const recorded = unet.recorded(everywhere, await unet.pass(everywhere, inputs, { features: true }));
    store.put({ picture, timestep }, recorded);
    return { recorded, recordSeconds: (performance.now() - begin) / 1000 };
  };
  const passes = new Map<number, Pass>();
  let posted: number | undefined;
  return {
    async step({ kind, step, timestep, sample, own: process }) {
      const { recorded, recordSeconds } = await recordedAt(timestep, process);
      const isWhole = kind === 'dense' || isAlone;
      const at = isWhole ? unit.everywhere : unit.positions;
      const inputs = unetInputs(toRows(sample, 1, channels, at), [at.length, channels], timestep, condition);
      if (!isWhole && posted !== undefined) await unit.fetch(mailbox, posted);
      const begin = performance.now();
      const pass = isWhole ? await unit.dense(inputs, recorded) : undefined;
      const output = pass?.output ?? (await unit.step(inputs, recorded));
      const runSeconds = (performance.now() - begin) / 1000;
      posted = undefined;
      if (pass && isAlone) passes.set(timestep, pass);
      if (pass) {
        const rows = takeRows(output, batch, output.length / (batch * at.length), own);
        return { output: rows, runSeconds, recordSeconds };
      }
      await unit.post(mailbox, step);
      posted = step;
      return { output, runSeconds, recordSeconds };
    },
    keep(kept) {
      for (const [timestep, pass] of passes) {
        const recorded = store.get({ picture, timestep });
        if (recorded) store.put({ picture: kept, timestep }, editing.updated(recorded, unit.whole, pass));
      }
    },
  };
}

/** Which rows of some positions are those of others among them. */
function rowsIn(all: Int32Array, some: Int32Array): Int32Array {
  const rows = new Map([...all].map((position, row) => [position, row]));
  return some.map((position) => rows.get(position)!);
}

/** The dense network, for a worker that shares its branches of guidance with nobody. */
async function planarWork(components: Components, { bands, channels, condition }: Job): Promise<Work> {
  const { height, width } = bands;
  const program = await components.program('denoiser');
  const { active } = planLevels([fullMask(height, width)]).levels[0]!;
  return {
    async step({ timestep, sample }) {
      const inputs = unetInputs(sample, [channels, height, width], timestep, condition);
      const begin = performance.now();
      const planes = floats(await program.run(inputs), 'out');
      const runSeconds = (performance.now() - begin) / 1000;
      const batch = batchOf(condition);
      return { output: toRows(planes, batch, planes.length / (batch * active.length), active), runSeconds };
    },
  };
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

/** The branches of guidance that one worker computes: `branch` 0 is the prompt's; undefined: all. */
export function branchOf(condition: Condition, branch: number | undefined): Condition {
  if (branch === undefined) return condition;
  const batch = batchOf(condition);
  const part = <T extends Condition['text']>(tensor: T): T => {
    if (tensor.dims[0] !== batch) return tensor;
    const length = tensor.data.length / batch;
    const data = tensor.data.slice(branch * length, (branch + 1) * length);
    return { ...tensor, data, dims: [1, ...tensor.dims.slice(1)] };
  };
  const extra = Object.entries(condition.extra ?? {}).map(([name, tensor]) => [name, part(tensor)] as const);
  return { text: part(condition.text), guidance: 1, extra: Object.fromEntries(extra) };
}
