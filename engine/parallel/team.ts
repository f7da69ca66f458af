import type { WorkerReport } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';
import { InputError } from '../errors.ts';
import { activeCutting, bandCount, type Cutting, wholeCutting } from '../execution/bands/bands.ts';
import { batchOf, guide } from '../execution/condition.ts';
import type { Predict } from '../execution/denoise.ts';
import type { SharedRun } from '../execution/shared-run.ts';
import type { ModelAdditions } from '../models/additions.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import { type Mask, pyramid } from '../regions/mask.ts';
import { ringsOf } from '../regions/rings.ts';
import { type DividedImage, Division } from './division.ts';
import { type Member, MemberLostError, type StepAnswer } from './job.ts';
import { divide } from './layout.ts';
import { failures, type Losses, settle, wordsOf } from './settle.ts';
import type { TeamOptions } from './team-options.ts';

/** Workers for one image, and how they share it. */
export interface Team {
  /** Where workers find the model: see `openModel`. */
  model: string;
  additions?: ModelAdditions;
  version: string;
  members: readonly Member[];
  options: TeamOptions;
  /** See `Crew`. */
  onDevice: boolean;
}

/** How many times as long as the slowest step so far a step may take. */
const STALL_FACTOR = 10;
/** Bands are cut again after the first step where workers' speeds differ by more than this. */
const UNEVEN = 1.5;
/** Shortest time of a run that is believed when speeds are compared, in seconds. */
const SHORTEST_RUN = 1e-3;

/** Denoises one image with several workers, and continues with the rest when some are lost. */
export class TeamRun implements SharedRun {
  readonly #picture: DividedImage;
  readonly #options: TeamOptions;
  /** For an edit: the computed positions of each level. */
  readonly #active: readonly Mask[] | undefined;
  readonly #cutting: Cutting;
  readonly #signal: AbortSignal | undefined;
  #members: readonly Member[];
  /** Each member's relative speed, measured in the first dense step. */
  #speeds: number[];
  #division: Division | undefined;
  #slowest = 0;
  #measured = false;
  /** Sentences about workers that were lost. */
  readonly notices: string[] = [];
  readonly #macs = new Map<Member, number>();
  loadSeconds = 0;
  /** For an edit: seconds of each step that recorded the image's own features, and the MACs of recording. */
  readonly recordSeconds: number[] = [];
  recordingMacs = 0;

  constructor(members: readonly Member[], picture: DividedImage, options: TeamOptions, signal?: AbortSignal) {
    this.#members = members;
    this.#speeds = members.map(() => 1);
    this.#picture = picture;
    this.#options = options;
    this.#signal = signal;
    const levels = levelCount(featuresOf(picture.network));
    const { edit } = picture;
    this.#active = edit && pyramid(edit.mask, ringsOf(picture.network, edit.ring));
    this.#cutting = this.#active
      ? activeCutting(this.#active)
      : wholeCutting(picture, levels, picture.network.cell);
  }

  /** Those that are left. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Divides the image and hands out the parts. Workers load the model if necessary. */
  async begin(): Promise<void> {
    const batch = batchOf(this.#picture.condition);
    const layout = divide(this.#speeds, batch, this.#cutting, this.#options.split);
    const division = new Division(this.#members, layout, this.#picture, this.#options, this.#active);
    this.#division = division;
    const begun = division.begin();
    const lost = await settle(begun, this.#options.beginPatience, this.#signal);
    const refused = await failures(begun, lost);
    if (refused.size === begun.length) throw this.#named(refused);
    for (const [i, error] of refused) lost.set(i, wordsOf(error));
    if (lost.size > 0) return this.#leave(lost);
    this.loadSeconds = Math.max(this.loadSeconds, ...division.loadSeconds);
  }

  /** The network's guided output. A step that fails is computed again by the workers that are left. */
  readonly predict: Predict = async (sample, index) => {
    for (;;) {
      const begin = performance.now();
      const answers = await this.#step(sample, index);
      if (!answers) continue;
      this.#slowest = Math.max(this.#slowest, (performance.now() - begin) / 1000);
      this.#count(answers);
      const output = this.#division!.joined(answers);
      await this.#measure();
      return guide(output, this.#picture.condition);
    }
  };

  /** One attempt at a step. @returns undefined if it must be computed again */
  async #step(sample: Float32Array, index: number): Promise<StepAnswer[] | undefined> {
    const division = this.#division!;
    const patience = Math.max(this.#options.patience, STALL_FACTOR * this.#slowest);
    const answering = division.step(sample, index);
    const lost = await settle(answering, patience, this.#signal);
    const failed = await failures(answering, lost);
    if (failed.size > 0 && division.isExchanging) {
      // Perhaps other workers' features did not arrive; a dense step needs none.
      const [error] = failed.values();
      this.notices.push(`Step ${index + 1} was computed again: ${wordsOf(error)}.`);
      division.restart();
      if (lost.size === 0) return undefined;
    } else {
      if (failed.size === answering.length) throw this.#named(failed);
      for (const [i, error] of failed) lost.set(i, wordsOf(error));
    }
    const answers = await Promise.all(
      answering.map((answer, i) => (lost.has(i) || failed.has(i) ? undefined : answer)),
    );
    for (const [i, answer] of answers.entries()) {
      const wrong = answer && division.faultOf(i, answer);
      if (wrong) lost.set(i, wrong);
    }
    if (lost.size === 0) return answers as StepAnswer[];
    await this.#leave(lost);
    return undefined;
  }

  report(): WorkerReport[] {
    const division = this.#division;
    if (!division) return [];
    return division.layout.parts.map(({ worker, branch, bands, index }, i) => {
      const member = this.#members[worker]!;
      const { runSeconds = 0, seconds = 0, sentBytes = 0, receivedBytes = 0 } = division.last[i] ?? {};
      return {
        name: member.name,
        branch: branch ?? null,
        axis: bands.axis,
        from: bands.edges[0]![index]!,
        to: bands.edges[0]![index + 1]!,
        stepMacs: division.macs(i),
        macs: this.#macs.get(member) ?? 0,
        runSeconds,
        seconds,
        sentBytes,
        receivedBytes,
      };
    });
  }

  /** Call it when the image is done, or given up. */
  end(): void {
    this.#division?.end();
  }

  /** Whether workers can keep a finished edit's features: each knows all of its branches. */
  get canKeep(): boolean {
    return this.#division?.layout.parts.every(({ bands }) => bandCount(bands) === 1) ?? false;
  }

  /** Lets the workers keep the features of a finished edit as those of the image `picture`. */
  async keep(picture: string): Promise<void> {
    await this.#division?.keep(picture);
  }

  /** Adds up the work of a step. */
  #count(answers: readonly StepAnswer[]): void {
    const division = this.#division!;
    for (const [i] of answers.entries()) {
      const member = this.#memberOf(i);
      this.#macs.set(member, (this.#macs.get(member) ?? 0) + division.macs(i));
    }
    const seconds = Math.max(...answers.map(({ recordSeconds }) => recordSeconds));
    if (seconds > 0) this.recordSeconds.push(seconds);
    for (const [i, { recordSeconds }] of answers.entries())
      if (recordSeconds > 0) this.recordingMacs += division.recordingMacs(i);
  }

  #memberOf(part: number): Member {
    return this.#members[this.#division!.layout.parts[part]!.worker]!;
  }

  /** The first error, with its worker's name, when all parts have failed. */
  #named(failed: ReadonlyMap<number, unknown>): Error {
    const [[part, error]] = failed as unknown as [[number, unknown]];
    const sentence = `${this.#memberOf(part).name}: ${plainText(messageOf(error))}`;
    return error instanceof InputError
      ? new InputError(sentence, { cause: error })
      : new Error(sentence, { cause: error });
  }

  /** Continues without the workers of some parts. */
  async #leave(lost: Losses): Promise<void> {
    const gone = new Set([...lost.keys()].map((i) => this.#memberOf(i)));
    const [why] = [...lost.values()].filter((words) => words !== undefined);
    const names = [...gone].map(({ name }) => name).join(', ');
    const rest = this.#members.filter((member) => !gone.has(member));
    this.#division!.end();
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

  /** After the first dense step: cuts bands again if the workers' speeds differ. */
  async #measure(): Promise<void> {
    const division = this.#division!;
    if (this.#options.equallyFast || this.#measured || !division.wasDense) return;
    this.#measured = true;
    for (const [i, { worker }] of division.layout.parts.entries())
      this.#speeds[worker] = 1 / Math.max(SHORTEST_RUN, division.last[i]!.runSeconds);
    const parts = division.layout.parts.map(({ worker }) => this.#speeds[worker]!);
    if (Math.max(...parts) <= UNEVEN * Math.min(...parts)) return;
    division.end();
    await this.begin();
  }
}
