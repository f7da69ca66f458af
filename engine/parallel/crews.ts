import type { BusOptions, EditRequest, GenerateRequest } from '../../shared/api.ts';
import { defined } from '../../shared/defined.ts';
import { adapterOf } from '../../shared/stepPlan.ts';
import { InputError } from '../errors.ts';
import type { ModelAdditions } from '../models/additions.ts';
import { denoiserVersion } from '../models/content-hash.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { EMBEDDED } from '../models/embedded.ts';
import type { Crew, OpenCrew } from './job.ts';
import type { Team } from './team.ts';
import { TEAM_DEFAULTS } from './team-options.ts';

/** Where an engine finds workers: on this machine, and at a bus. */
export interface CrewSources {
  openCrew?: OpenCrew;
  connect?: (bus: BusOptions) => Promise<Crew>;
}

/** The workers that an engine asks: those of this machine, and those of the bus that was used last. */
export class Crews {
  readonly #sources: CrewSources;
  #local: Crew | undefined;
  #remote: { key: string; crew: Crew } | undefined;

  constructor(sources: CrewSources) {
    this.#sources = sources;
  }

  /**
   * Workers for a request's image; undefined if it asks for none.
   * @param additions to the model, which workers add too
   * @throws InputError if there are none, or if they cannot compute such a request
   */
  async team(
    request: GenerateRequest | EditRequest,
    opened: DiffusionModel,
    additions: ModelAdditions,
  ): Promise<Team | undefined> {
    const { workers = 0, threads, patch = {}, bus, model = EMBEDDED } = request;
    if (!asksForWorkers(request)) return undefined;
    checkShareable(request);
    const crew = await this.#crew(bus);
    if (!crew) throw new InputError('This engine has no workers.');
    const version = await denoiserVersion(opened);
    const members = await crew.members(workers, threads || undefined, model, additions);
    const { equallyFast, onDevice = false, patience = TEAM_DEFAULTS.patience } = crew;
    const options = { ...TEAM_DEFAULTS, ...defined(patch), equallyFast, patience };
    return { model, additions, version, members, options, onDevice };
  }

  /** Opens a crew of its own, for a benchmark; undefined if there are no workers. */
  opener(bus: BusOptions | undefined): OpenCrew | undefined {
    const { openCrew, connect } = this.#sources;
    if (!bus) return openCrew;
    return connect && (() => connect(bus));
  }

  /** Ends the workers of this machine. The next image starts fresh ones. */
  async dismiss(): Promise<void> {
    await this.#local?.members(0, undefined, EMBEDDED);
  }

  async dispose(): Promise<void> {
    await this.#local?.dispose();
    await this.#remote?.crew.dispose();
  }

  async #crew(bus: BusOptions | undefined): Promise<Crew | undefined> {
    if (bus) return await this.#remoteCrew(bus);
    this.#local ??= await this.#sources.openCrew?.();
    return this.#local;
  }

  async #remoteCrew(bus: BusOptions): Promise<Crew | undefined> {
    const key = JSON.stringify(bus);
    if (this.#remote?.key === key) return this.#remote.crew;
    await this.#remote?.crew.dispose();
    this.#remote = undefined;
    const crew = await this.#sources.connect?.(bus);
    if (crew) this.#remote = { key, crew };
    return crew;
  }
}

/** Whether a request's image is divided over workers. */
export function asksForWorkers({ workers = 0, bus }: Pick<GenerateRequest, 'workers' | 'bus'>): boolean {
  return bus !== undefined || workers > 1;
}

/** @throws InputError for what workers do not compute. */
function checkShareable({ attention, stepPlan }: GenerateRequest | EditRequest): void {
  if (attention === 'sampled')
    throw new InputError('Workers compute attention in full: leave out the workers, or sampled attention.');
  if (adapterOf(stepPlan) !== undefined)
    throw new InputError(
      'Workers have no adapters of step plans: leave out the workers, or take another step plan.',
    );
}
