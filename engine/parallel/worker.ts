import type { Model } from '../models/model.ts';
import { Components } from '../pipelines/components.ts';
import { batchOf, type Condition, unetInputs } from '../pipelines/guidance.ts';
import { RowsUNet } from '../pipelines/rows-unet.ts';
import { fullMask } from '../regions/mask.ts';
import { planLevels } from '../regions/plan.ts';
import { takeRows, toRows } from '../regions/rows.ts';
import { floats, type Runtime } from '../runtime/runtime.ts';
import { BandUNet } from './band-unet.ts';
import { bandCount } from './bands.ts';
import type { Job, StepAnswer, StepCall } from './job.ts';
import { byteLengthOf, type Mailbox } from './mailbox.ts';

/** What a worker runs a job's steps with. */
type Step = (call: StepCall) => Promise<{ output: Float32Array; runSeconds: number }>;

/** Does the work of one band at a time, for one job at a time. */
export class PatchWorker {
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #open: (model: string) => Promise<Model>;
  #components: Components | undefined;
  #name: string | undefined;
  /** Whether the U-Net is loaded in rows form, which then serves jobs without other bands too. */
  #hasRows = false;
  #current: { job: string; step: Step; mailbox: CountingMailbox } | undefined;

  constructor(runtime: Runtime, threads: number, open: (model: string) => Promise<Model>) {
    this.#runtime = runtime;
    this.#threads = threads;
    this.#open = open;
  }

  async begin(job: Job, mailbox: Mailbox): Promise<number> {
    await this.#finish();
    const begin = performance.now();
    const components = await this.#componentsOf(job.model);
    const counting = new CountingMailbox(mailbox);
    await components.prepare(job.precision);
    const planar = bandCount(job.bands) === 1 && job.precision === 'fp32' && !this.#hasRows;
    const step = planar ? await planarStep(components, job) : await this.#bandStep(components, job, counting);
    this.#current = { job: job.id, step, mailbox: counting };
    return (performance.now() - begin) / 1000;
  }

  async step(call: StepCall): Promise<StepAnswer> {
    const current = this.#current;
    if (current?.job !== call.job) throw new Error(`job ${call.job} was not begun here`);
    const begin = performance.now();
    const { mailbox } = current;
    mailbox.reset();
    const done = await current.step(call);
    const { sentBytes, receivedBytes } = mailbox;
    return { ...done, seconds: (performance.now() - begin) / 1000, sentBytes, receivedBytes };
  }

  async end(job: string): Promise<void> {
    if (this.#current?.job === job) await this.#finish();
  }

  async release(): Promise<void> {
    await this.#finish();
    await this.#components?.release();
    this.#components = undefined;
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
      this.#components = new Components(model, this.#runtime, this.#threads);
      this.#name = name;
      this.#hasRows = false;
    }
    return this.#components;
  }

  async #bandStep(components: Components, job: Job, mailbox: Mailbox): Promise<Step> {
    const { bands, index, mode, coding, condition, channels, precision } = job;
    const { height, width } = bands;
    const canFold = precision !== 'int4' && RowsUNet.canFold(components.network('unet'), height, width);
    const form = {
      foldUpsampling: canFold,
      storage: 'float32',
      statistics: 'bands',
      attention: 'full',
    } as const;
    const unet = await components.rowsUNet(form, precision);
    this.#hasRows = true;
    const batch = batchOf(condition);
    const unit = new BandUNet(unet, { bands, index, batch, mode, moments: 'mixed', coding });
    const own = unit.exchange.plan.levels[0]!.stored;
    let posted: number | undefined;
    return async ({ kind, step, timestep, sample }) => {
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
    };
  }
}

/** The dense network, for a worker that shares its branches of guidance with nobody. */
async function planarStep(components: Components, { bands, channels, condition }: Job): Promise<Step> {
  const { height, width } = bands;
  const session = await components.session('unet');
  const { active } = planLevels([fullMask(height, width)]).levels[0]!;
  return async ({ timestep, sample }) => {
    const inputs = unetInputs(sample, [channels, height, width], timestep, condition);
    const begin = performance.now();
    const planes = floats(await session.run(inputs), 'out');
    const runSeconds = (performance.now() - begin) / 1000;
    const batch = batchOf(condition);
    return { output: toRows(planes, batch, planes.length / (batch * active.length), active), runSeconds };
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
