import type { Coding, ParallelMode, Precision, Split, WorkerReport } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';
import { InputError, isAbort } from '../errors.ts';
import { activeCutting, bandCount, bandMasks, type Cutting, wholeCutting } from '../execution/bands/bands.ts';
import { batchOf, branchOf, type Condition, guide } from '../execution/condition.ts';
import type { Predict } from '../execution/denoise.ts';
import type { EditedPicture, SharedRun } from '../execution/shared-run.ts';
import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import { activeCount, type Mask, pyramid } from '../regions/mask.ts';
import { planLevels } from '../regions/plan.ts';
import { ringsOf } from '../regions/rings.ts';
import { overPlanes } from '../regions/rows.ts';
import { CrewLostError, type Job, type Member, MemberLostError, type StepAnswer } from './job.ts';
import { divide, type Layout } from './layout.ts';

export interface TeamOptions {
  mode: ParallelMode;
  /** Dense steps at the start of an image. */
  warmUp: number;
  coding: Coding;
  split: Split;
  /** Whether workers are equally fast. Otherwise the first dense step is timed, and bands are cut again if speeds differ. */
  alike: boolean;
  /** Seconds that a step may take before a worker counts as stalled; more where steps have been slow before. */
  patience: number;
  /** The same for preparing a job: the model is loaded, and may have to be quantized first. */
  beginPatience: number;
}

/** Workers for one picture, and how they are to share it. */
export interface Team {
  /** Where workers find the model: see `openModel`. */
  model: string;
  version: string;
  members: readonly Member[];
  options: TeamOptions;
}

/** A picture to be denoised by several workers. */
export interface Picture {
  model: string;
  /** Of its denoiser's files; see `denoiserVersion`. */
  version: string;
  precision: Precision;
  network: Network;
  channels: number;
  /** Latent size. */
  height: number;
  width: number;
  condition: Condition;
  timesteps: readonly number[];
  /** Where not all of it is computed. */
  edit?: EditedPicture;
}

export const TEAM_DEFAULTS: TeamOptions = {
  mode: 'displaced',
  warmUp: 2,
  coding: 'float32',
  split: 'auto',
  alike: true,
  patience: 60,
  beginPatience: 900,
};

/** How many times as long as the slowest step so far a step may take. */
const STALL_FACTOR = 10;
/** Bands are cut again after the first step where workers' speeds differ by more than this. */
const UNEVEN = 1.5;
/** Shortest time of a run that is believed when speeds are compared, in seconds. */
const SHORTEST_RUN = 1e-3;
/** Characters of a worker's words that are repeated. */
const WORDS = 300;

/** Why parts are given up: in words where their workers did something wrong, undefined if they are gone. */
type Losses = Map<number, string | undefined>;

/** Denoises one picture with several workers, and continues with the rest when some are lost. */
export class TeamRun implements SharedRun {
  readonly #picture: Picture;
  readonly #options: TeamOptions;
  /** Of an edit: the positions that are computed, of each level. */
  readonly #active: readonly Mask[] | undefined;
  readonly #cutting: Cutting;
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
  /** Of an edit: what recording the picture's own features took, at each step where it had to be done; and cost. */
  readonly recordSeconds: number[] = [];
  recordingMacs = 0;

  constructor(members: readonly Member[], picture: Picture, options: TeamOptions, signal?: AbortSignal) {
    this.#members = members;
    this.#speeds = members.map(() => 1);
    this.#picture = picture;
    this.#options = options;
    this.#signal = signal;
    const levels = levelCount(featuresOf(picture.network));
    const { edit } = picture;
    this.#active = edit && pyramid(edit.mask, ringsOf(picture.network, edit.ring));
    this.#cutting = this.#active ? activeCutting(this.#active) : wholeCutting(picture, levels);
  }

  /** Hands out the work; the model is loaded where it is not. */
  async begin(): Promise<void> {
    const batch = batchOf(this.#picture.condition);
    const layout = divide(this.#speeds, batch, this.#cutting, this.#options.split);
    const running = new Running(this.#members, layout, this.#picture, this.#options, this.#active);
    this.#job = running;
    const begun = running.begin();
    const lost = await this.#settle(begun, this.#options.beginPatience);
    const refused = await failures(begun, lost);
    if (refused.size === begun.length) throw this.#named(refused);
    for (const [i, error] of refused) lost.set(i, wordsOf(error));
    if (lost.size > 0) return this.#leave(lost);
    this.loadSeconds = Math.max(this.loadSeconds, ...running.loadSeconds);
  }

  /** The network's guided output; a step that fails is done again, dense, by the workers that are left. */
  readonly predict: Predict = async (sample, index) => {
    for (;;) {
      const job = this.#job!;
      const patience = Math.max(this.#options.patience, STALL_FACTOR * this.#slowest);
      const begin = performance.now();
      const answering = job.step(sample, index);
      const lost = await this.#settle(answering, patience);
      const failed = await failures(answering, lost);
      if (failed.size > 0 && job.isExchanging) {
        // What a worker needs of the others has not come, perhaps; a dense step needs nothing of them.
        const [error] = failed.values();
        this.notices.push(`Step ${index + 1} was computed again: ${wordsOf(error)}.`);
        job.restart();
        if (lost.size === 0) continue;
      } else {
        if (failed.size === answering.length) throw this.#named(failed);
        for (const [i, error] of failed) lost.set(i, wordsOf(error));
      }
      const answers = await Promise.all(
        answering.map((answer, i) => (lost.has(i) || failed.has(i) ? undefined : answer)),
      );
      for (const [i, answer] of answers.entries()) {
        const wrong = answer && job.faultOf(i, answer);
        if (wrong) lost.set(i, wrong);
      }
      if (lost.size > 0) {
        await this.#leave(lost);
        continue;
      }
      this.#slowest = Math.max(this.#slowest, (performance.now() - begin) / 1000);
      for (const [i, { worker }] of job.layout.parts.entries()) {
        const member = this.#members[worker]!;
        this.#macs.set(member, (this.#macs.get(member) ?? 0) + job.macs(i));
      }
      const whole = answers as StepAnswer[];
      this.#countRecording(whole);
      const output = job.joined(whole);
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

  /** Whether workers can keep a finished edit's features: each knows all of its branches. */
  get canKeep(): boolean {
    return this.#job?.layout.parts.every(({ bands }) => bandCount(bands) === 1) ?? false;
  }

  /** Has the features of a finished edit kept as those of a picture of this name. */
  async keep(picture: string): Promise<void> {
    await this.#job?.keep(picture);
  }

  #countRecording(answers: readonly StepAnswer[]): void {
    const seconds = Math.max(...answers.map(({ recordSeconds }) => recordSeconds));
    if (seconds > 0) this.recordSeconds.push(seconds);
    for (const [i, { recordSeconds }] of answers.entries())
      if (recordSeconds > 0) this.recordingMacs += this.#job!.recordingMacs(i);
  }

  /** Waits for all; gives the parts whose workers are lost or have stalled. Cancelling does not wait. */
  async #settle(promises: readonly Promise<unknown>[], seconds: number): Promise<Losses> {
    const lost: Losses = new Map();
    const pending = new Set(promises.keys());
    const all = promises.map(async (promise, i) => {
      try {
        await promise;
      } catch (error) {
        if (error instanceof MemberLostError) lost.set(i, undefined);
        else if (isAbort(error) || error instanceof CrewLostError) throw error;
      } finally {
        pending.delete(i);
      }
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 1000 * seconds);
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
    for (const i of pending) lost.set(i, undefined);
    return lost;
  }

  #memberOf(part: number): Member {
    return this.#members[this.#job!.layout.parts[part]!.worker]!;
  }

  /** The error of the first of parts that all failed, with its worker's name. */
  #named(failed: ReadonlyMap<number, unknown>): Error {
    const [[part, error]] = failed as unknown as [[number, unknown]];
    const sentence = `${this.#memberOf(part).name}: ${plainText(messageOf(error))}`;
    return error instanceof InputError
      ? new InputError(sentence, { cause: error })
      : new Error(sentence, { cause: error });
  }

  /** Goes on without the workers of some parts. */
  async #leave(lost: Losses): Promise<void> {
    const gone = new Set([...lost.keys()].map((i) => this.#memberOf(i)));
    const [why] = [...lost.values()].filter((words) => words !== undefined);
    const names = [...gone].map(({ name }) => name).join(', ');
    const rest = this.#members.filter((member) => !gone.has(member));
    this.#job!.end();
    for (const member of gone) void member.dismiss().catch(() => {});
    if (rest.length === 0)
      throw new MemberLostError(
        `All workers were lost (last: ${names}${why ? `, since ${why}` : ''}); try again, or with fewer workers.`,
      );
    const be = gone.size === 1 ? 'was' : 'were';
    const how = why ? `given up, since ${why}` : 'lost';
    this.notices.push(`${names} ${be} ${how}; ${rest.map(({ name }) => name).join(', ')} did the rest.`);
    this.#speeds = this.#members.flatMap((member, i) => (gone.has(member) ? [] : [this.#speeds[i]!]));
    this.#members = rest;
    await this.begin();
  }

  /** After the first step, in which all did the same: cuts bands again where workers are unevenly fast. */
  async #measure(): Promise<void> {
    const job = this.#job!;
    if (this.#options.alike || this.#measured || !job.wasDense) return;
    this.#measured = true;
    for (const [i, { worker }] of job.layout.parts.entries())
      this.#speeds[worker] = 1 / Math.max(SHORTEST_RUN, job.last[i]!.runSeconds);
    const parts = job.layout.parts.map(({ worker }) => this.#speeds[worker]!);
    if (Math.max(...parts) <= UNEVEN * Math.min(...parts)) return;
    job.end();
    await this.begin();
  }
}

/** The errors of settled promises, beside those of workers that are lost already. */
async function failures(promises: readonly Promise<unknown>[], lost: Losses): Promise<Map<number, unknown>> {
  const failed = new Map<number, unknown>();
  for (const [i, promise] of promises.entries())
    if (!lost.has(i)) await promise.catch((error: unknown) => failed.set(i, error));
  return failed;
}

function wordsOf(error: unknown): string {
  return plainText(messageOf(error), WORDS).replace(/\.$/, '');
}

/** One division of a picture over workers, until it is done or divided again. */
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
  /** Positions of each part, and of all, that are computed at each level. */
  readonly #counts: number[][];
  readonly #all: number[] | undefined;
  #step = 0;
  #dense = 0;

  constructor(
    members: readonly Member[],
    layout: Layout,
    picture: Picture,
    options: TeamOptions,
    active: readonly Mask[] | undefined,
  ) {
    this.layout = layout;
    this.#members = members;
    this.#picture = picture;
    this.#options = options;
    const id = crypto.randomUUID();
    this.#ids = layout.parts.map(({ branch }) => `${id}-${branch ?? 'all'}`);
    const masks = layout.parts.map(({ bands, index }) => bandMasks(bands, index, active));
    this.#positions = masks.map(([finest]) => planLevels([finest!]).levels[0]!.active);
    this.#counts = masks.map((levels) => levels.map(activeCount));
    this.#all = active?.map(activeCount);
  }

  begin(): Promise<unknown>[] {
    const { model, version, precision, channels, condition, edit } = this.#picture;
    const { mode, coding } = this.#options;
    return this.layout.parts.map(async ({ worker, branch, bands, index }, i) => {
      const job: Job = {
        id: this.#ids[i]!,
        model,
        version,
        precision,
        condition: branchOf(condition, branch),
        channels,
        bands,
        index,
        mode: mode === 'naive' ? 'naive' : 'displaced',
        coding,
        ...(edit && {
          edit: {
            picture: nameFor(edit.id, branch),
            condition: branchOf(edit.condition, branch),
            mask: edit.mask,
            ring: edit.ring,
          },
        }),
      };
      this.loadSeconds[i] = await this.#members[worker]!.begin(job);
    });
  }

  step(sample: Float32Array, index: number): Promise<StepAnswer>[] {
    const { mode, warmUp } = this.#options;
    const { timesteps, edit } = this.#picture;
    // A naive band needs no features; displaced ones need those of a dense step first.
    const least = mode === 'naive' ? 0 : 1;
    const isDense = mode === 'synchronous' || this.#dense < Math.max(warmUp, least);
    const kind = isDense ? 'dense' : 'band';
    const step = this.#step++;
    this.wasDense = isDense;
    if (isDense) this.#dense++;
    const own = edit && { own: edit.sampleAt(index) };
    const call = { step, timestep: timesteps[index]!, kind, sample, ...own } as const;
    return this.layout.parts.map(({ worker }, i) =>
      this.#members[worker]!.step({ job: this.#ids[i]!, ...call }),
    );
  }

  /** Whether the last step needed what other workers gave. */
  get isExchanging(): boolean {
    return !this.wasDense && this.#options.mode !== 'naive';
  }

  /** What is wrong with an answer, in words; undefined if it is what was asked for. */
  faultOf(i: number, { output }: StepAnswer): string | undefined {
    const { condition, network } = this.#picture;
    const branches = this.layout.parts[i]!.branch === undefined ? batchOf(condition) : 1;
    const expected = branches * outputChannels(network) * this.#positions[i]!.length;
    if (output.length !== expected) return `it gave ${output.length} numbers instead of ${expected}`;
    return output.every(Number.isFinite) ? undefined : 'it gave numbers that are not finite';
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
    const channels = outputChannels(this.#picture.network);
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
    return this.#macs(i, this.wasDense ? this.#all : this.#counts[i]);
  }

  /** Of recording one step of the picture's own process. */
  recordingMacs(i: number): number {
    return this.#macs(i, undefined);
  }

  #macs(i: number, active: readonly number[] | undefined): number {
    const { network, height, width, condition } = this.#picture;
    const batch = this.layout.parts[i]!.branch === undefined ? batchOf(condition) : 1;
    const extent = { height, width, batch, tokens: condition.text.dims[1]! };
    return countMacs(network, extent, active).total;
  }

  async keep(picture: string): Promise<void> {
    await Promise.all(
      this.layout.parts.map(({ worker, branch }, i) =>
        this.#members[worker]!.keep(this.#ids[i]!, nameFor(picture, branch)),
      ),
    );
  }

  /** Tells every worker, without waiting for any, since one may have stalled. */
  end(): void {
    for (const [i, { worker }] of this.layout.parts.entries())
      this.#members[worker]!.end(this.#ids[i]!).catch(() => {});
  }
}

function outputChannels({ outputs }: Network): number {
  return (outputs.get('out') as FeatureMap).channels;
}

/** A worker keeps features of its own branches of a picture. */
function nameFor(picture: string, branch: number | undefined): string {
  return `${picture}-${branch ?? 'all'}`;
}
