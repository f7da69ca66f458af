import type { Coding, ParallelMode, Precision, Split, WorkerReport } from '../api.ts';
import { isAbort, messageOf } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { Predict } from '../pipelines/denoise.ts';
import { batchOf, type Condition, guide } from '../pipelines/guidance.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import { planLevels } from '../regions/plan.ts';
import { overPlanes } from '../regions/rows.ts';
import { bandMasks, bandSizes } from './bands.ts';
import { type Job, type Member, MemberLostError, type StepAnswer } from './job.ts';
import { divide, type Layout } from './layout.ts';
import { branchOf } from './worker.ts';

export interface TeamOptions {
  mode: ParallelMode;
  /** Dense steps at the start of a picture. */
  warmUp: number;
  coding: Coding;
  split: Split;
  /** Whether workers are equally fast; else the first dense step is timed and bands are cut anew where it shows. */
  alike: boolean;
  /** Seconds that a step may take before a worker counts as stalled; more where steps have been slow before. */
  patience: number;
}

/** Workers for one picture, and how they are to share it. */
export interface Team {
  /** Where workers find the model: see `openModel`. */
  model: string;
  members: readonly Member[];
  options: TeamOptions;
}

/** A picture to be denoised by several workers. */
export interface Picture {
  model: string;
  precision: Precision;
  network: Network;
  channels: number;
  /** Latent size. */
  height: number;
  width: number;
  condition: Condition;
  timesteps: readonly number[];
}

export const TEAM_DEFAULTS: TeamOptions = {
  mode: 'displaced',
  warmUp: 2,
  coding: 'float32',
  split: 'auto',
  alike: true,
  patience: 60,
};

/** How many times as long as the slowest step so far a step may take. */
const STALL_FACTOR = 10;
/** Bands are cut anew after the first step where workers' speeds differ by more than this. */
const UNEVEN = 1.5;
const MAX_ATTEMPTS = 5;

/** Denoises one picture with several workers, and goes on with the rest when some are lost. */
export class TeamRun {
  readonly #picture: Picture;
  readonly #options: TeamOptions;
  readonly #levels: number;
  readonly #signal: AbortSignal | undefined;
  #members: readonly Member[];
  /** Of each member: measured in the first dense step. */
  #speeds: number[];
  #job: Running | undefined;
  #slowest = 0;
  #measured = false;
  /** Sentences about workers that were lost. */
  readonly notices: string[] = [];
  readonly #macs = new Map<Member, number>();
  loadSeconds = 0;

  constructor(members: readonly Member[], picture: Picture, options: TeamOptions, signal?: AbortSignal) {
    this.#members = members;
    this.#speeds = members.map(() => 1);
    this.#picture = picture;
    this.#options = options;
    this.#signal = signal;
    this.#levels = levelCount(featuresOf(picture.network));
  }

  /** Hands out the work; the model is loaded where it is not. */
  async begin(): Promise<void> {
    const layout = divide(
      this.#speeds,
      batchOf(this.#picture.condition),
      this.#picture,
      this.#levels,
      this.#options.split,
    );
    const running = new Running(this.#members, layout, this.#picture, this.#options, this.#levels);
    this.#job = running;
    const begun = running.begin();
    const lost = await this.#settle(begun, Number.POSITIVE_INFINITY);
    if (lost.length > 0) return this.#leave(lost);
    await Promise.all(begun);
    this.loadSeconds = Math.max(this.loadSeconds, ...running.loadSeconds);
  }

  /** The network's guided output; a step that fails is done again, dense, by the workers that are left. */
  readonly predict: Predict = async (sample, index) => {
    for (let attempt = 0; ; attempt++) {
      const job = this.#job!;
      const patience = Math.max(this.#options.patience, STALL_FACTOR * this.#slowest);
      const begin = performance.now();
      const answering = job.step(sample, this.#picture.timesteps[index]!);
      const lost = await this.#settle(answering, patience);
      if (lost.length > 0) {
        await this.#leave(lost);
        continue;
      }
      let answers: StepAnswer[];
      try {
        answers = await Promise.all(answering);
      } catch (error) {
        if (attempt + 1 === MAX_ATTEMPTS) throw error;
        this.notices.push(`Step ${index + 1} was computed again: ${messageOf(error)}.`);
        job.restart();
        continue;
      }
      this.#slowest = Math.max(this.#slowest, (performance.now() - begin) / 1000);
      for (const [i, { worker }] of job.layout.parts.entries()) {
        const member = this.#members[worker]!;
        this.#macs.set(member, (this.#macs.get(member) ?? 0) + job.macs(i));
      }
      const output = job.joined(answers);
      await this.#measure();
      return guide(output, this.#picture.condition);
    }
  };

  report(): WorkerReport[] {
    const job = this.#job;
    if (!job) return [];
    return job.layout.parts.map(({ worker, branch, bands, index }, i) => {
      const member = this.#members[worker]!;
      const { runSeconds = 0, seconds = 0, sentBytes = 0, receivedBytes = 0 } = job.last[i] ?? {};
      return {
        name: member.name,
        branch: branch ?? null,
        axis: bands.axis,
        from: bands.edges[0]![index]!,
        to: bands.edges[0]![index + 1]!,
        stepMacs: job.macs(i),
        macs: this.#macs.get(member) ?? 0,
        runSeconds,
        seconds,
        sentBytes,
        receivedBytes,
      };
    });
  }

  /** The picture is done, or given up. */
  end(): void {
    this.#job?.end();
  }

  /** Waits for all; gives the parts whose workers are lost or have stalled. Cancelling does not wait. */
  async #settle(promises: readonly Promise<unknown>[], seconds: number): Promise<number[]> {
    const lost = new Set<number>();
    const pending = new Set(promises.keys());
    const all = promises.map(async (promise, i) => {
      try {
        await promise;
      } catch (error) {
        if (error instanceof MemberLostError) lost.add(i);
        else if (isAbort(error)) throw error;
      } finally {
        pending.delete(i);
      }
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<void>((resolve) => {
      if (Number.isFinite(seconds)) timer = setTimeout(resolve, 1000 * seconds);
    });
    let leave: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      leave = () => reject(this.#signal!.reason);
      this.#signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      this.#signal?.throwIfAborted();
      await Promise.race([Promise.all(all), stalled, aborted]);
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener('abort', leave!);
    }
    return [...new Set([...lost, ...pending])];
  }

  /** Goes on without the workers of some parts. */
  async #leave(parts: readonly number[]): Promise<void> {
    const { layout } = this.#job!;
    const gone = new Set(parts.map((i) => this.#members[layout.parts[i]!.worker]!));
    const names = [...gone].map(({ name }) => name).join(', ');
    const rest = this.#members.filter((member) => !gone.has(member));
    this.#job!.end();
    for (const member of gone) void member.dismiss().catch(() => {});
    if (rest.length === 0)
      throw new MemberLostError(`All workers were lost (last: ${names}); try again, or with fewer workers.`);
    const be = gone.size === 1 ? 'was' : 'were';
    this.notices.push(`${names} ${be} lost; ${rest.map(({ name }) => name).join(', ')} did the rest.`);
    this.#speeds = this.#members.flatMap((member, i) => (gone.has(member) ? [] : [this.#speeds[i]!]));
    this.#members = rest;
    await this.begin();
  }

  /** After the first step, in which everybody did the same: cuts bands anew where workers are unevenly fast. */
  async #measure(): Promise<void> {
    const job = this.#job!;
    if (this.#options.alike || this.#measured || !job.wasDense) return;
    this.#measured = true;
    for (const [i, { worker }] of job.layout.parts.entries())
      this.#speeds[worker] = 1 / job.last[i]!.runSeconds;
    const parts = job.layout.parts.map(({ worker }) => this.#speeds[worker]!);
    if (Math.max(...parts) <= UNEVEN * Math.min(...parts)) return;
    job.end();
    await this.begin();
  }
}

/** One division of a picture over workers, until it is done or divided anew. */
class Running {
  readonly layout: Layout;
  readonly loadSeconds: number[] = [];
  /** Each part's answer of the last step. */
  last: StepAnswer[] = [];
  wasDense = false;
  readonly #members: readonly Member[];
  readonly #picture: Picture;
  readonly #options: TeamOptions;
  readonly #ids: string[];
  readonly #positions: Int32Array[];
  readonly #active: number[][];
  #step = 0;
  #dense = 0;

  constructor(
    members: readonly Member[],
    layout: Layout,
    picture: Picture,
    options: TeamOptions,
    levels: number,
  ) {
    this.layout = layout;
    this.#members = members;
    this.#picture = picture;
    this.#options = options;
    const id = crypto.randomUUID();
    this.#ids = layout.parts.map(({ branch }) => `${id}-${branch ?? 'all'}`);
    this.#positions = layout.parts.map(
      ({ bands, index }) => planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active,
    );
    this.#active = layout.parts.map(({ bands, index }) =>
      Array.from({ length: levels }, (_, level) => bandSizes(bands, level)[index]!),
    );
  }

  begin(): Promise<unknown>[] {
    const { model, precision, channels, condition } = this.#picture;
    const { mode, coding } = this.#options;
    return this.layout.parts.map(async ({ worker, branch, bands, index }, i) => {
      const job: Job = {
        id: this.#ids[i]!,
        model,
        precision,
        condition: branchOf(condition, branch),
        channels,
        bands,
        index,
        mode: mode === 'naive' ? 'naive' : 'displaced',
        coding,
      };
      this.loadSeconds[i] = await this.#members[worker]!.begin(job);
    });
  }

  step(sample: Float32Array, timestep: number): Promise<StepAnswer>[] {
    const { mode, warmUp } = this.#options;
    // A naive band needs no features; displaced ones need those of a dense step first.
    const least = mode === 'naive' ? 0 : 1;
    const isDense = mode === 'synchronous' || this.#dense < Math.max(warmUp, least);
    const kind = isDense ? 'dense' : 'band';
    const step = this.#step++;
    this.wasDense = isDense;
    if (isDense) this.#dense++;
    return this.layout.parts.map(({ worker }, i) =>
      this.#members[worker]!.step({ job: this.#ids[i]!, step, timestep, kind, sample }),
    );
  }

  /** What was exchanged cannot be relied on: the next step is dense. */
  restart(): void {
    this.#dense = Math.max(0, this.#options.warmUp - 1);
  }

  /** Output of the network for all branches, planes [B, C, h, w]. */
  joined(answers: readonly StepAnswer[]): Float32Array {
    this.last = [...answers];
    const { condition, height, width } = this.#picture;
    const batch = batchOf(condition);
    const first = this.layout.parts[0]!;
    const branches = first.branch === undefined ? batch : 1;
    const channels = answers[0]!.output.length / (branches * this.#positions[0]!.length);
    const size = channels * height * width;
    const planes = new Float32Array(batch * size);
    for (const [i, { branch }] of this.layout.parts.entries()) {
      const target = branch === undefined ? planes : planes.subarray(branch * size, (branch + 1) * size);
      overPlanes(target, answers[i]!.output, branches, channels, this.#positions[i]!);
    }
    return planes;
  }

  /** Multiply–accumulates of one part's last step. */
  macs(i: number): number {
    const { network, height, width, condition } = this.#picture;
    const batch = this.layout.parts[i]!.branch === undefined ? batchOf(condition) : 1;
    const extent = { height, width, batch, tokens: condition.text.dims[1]! };
    return countMacs(network, extent, this.wasDense ? undefined : this.#active[i]).total;
  }

  /** Tells every worker; nobody is waited for, since one may have stalled. */
  end(): void {
    for (const [i, { worker }] of this.layout.parts.entries())
      this.#members[worker]!.end(this.#ids[i]!).catch(() => {});
  }
}
