import type { Precision } from '../../shared/api.ts';
import type { StepKind } from '../../shared/stepPlan.ts';
import { bandMasks } from '../execution/bands/bands.ts';
import { batchOf, branchOf, type Condition, imageArea, imageSizes } from '../execution/condition.ts';
import { outputChannels } from '../execution/denoiser-inputs.ts';
import type { EditedPicture } from '../execution/shared-run.ts';
import { isShallow } from '../execution/step-kinds.ts';
import { countMacs } from '../graph/macs.ts';
import type { Network } from '../graph/network.ts';
import type { ModelAdditions } from '../models/additions.ts';
import { activeCount, type Mask } from '../regions/mask.ts';
import { planLevels } from '../regions/plan.ts';
import { overPlanes } from '../regions/rows.ts';
import type { Job, Member, StepAnswer } from './job.ts';
import type { Layout } from './layout.ts';
import type { TeamOptions } from './team-options.ts';

/** An image that several workers denoise. */
export interface DividedImage {
  model: string;
  additions?: ModelAdditions;
  /** Version of its denoiser's files; see `denoiserVersion`. */
  version: string;
  precision: Precision;
  network: Network;
  channels: number;
  /** Latent size. */
  height: number;
  width: number;
  condition: Condition;
  timesteps: readonly number[];
  /** What each step computes, if some only compute the network `shallow`; see `requireShareable`. */
  kinds?: readonly StepKind[] | undefined;
  shallow?: Network | undefined;
  /** Set if only a part is computed. */
  edit?: EditedPicture;
}

/** One division of an image over workers, used until the image is done or divided again. */
export class Division {
  readonly layout: Layout;
  readonly loadSeconds: number[] = [];
  /** Each part's answer of the last step. */
  last: StepAnswer[] = [];
  wasDense = false;
  #wasShallow = false;
  /** Whose deep features each worker has of the last full step. */
  #deep: 'all' | 'band' | undefined;
  readonly #members: readonly Member[];
  readonly #picture: DividedImage;
  readonly #options: TeamOptions;
  readonly #ids: string[];
  readonly #positions: Int32Array[];
  /** Number of positions that each part, and all together, compute at each level. */
  readonly #counts: number[][];
  readonly #all: number[] | undefined;
  #step = 0;
  #dense = 0;

  constructor(
    members: readonly Member[],
    layout: Layout,
    picture: DividedImage,
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
    const { model, additions, version, precision, channels, condition, kinds, edit } = this.#picture;
    const { mode, coding } = this.#options;
    return this.layout.parts.map(async ({ worker, branch, bands, index }, i) => {
      const job: Job = {
        id: this.#ids[i]!,
        model,
        ...(additions && { additions }),
        version,
        precision,
        condition: branchOf(condition, branch),
        channels,
        bands,
        index,
        mode: mode === 'naive' ? 'naive' : 'displaced',
        coding,
        ...(kinds?.some(isShallow) && { shallow: true }),
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
    const shallow = this.#reuses(index);
    if (!shallow) this.#deep = isDense ? 'all' : 'band';
    this.#wasShallow = shallow;
    const more = { ...(shallow && { shallow }), ...(edit && { own: edit.sampleAt(index) }) };
    const call = { step, timestep: timesteps[index]!, kind, sample, ...more } as const;
    return this.layout.parts.map(({ worker }, i) =>
      this.#members[worker]!.step({ job: this.#ids[i]!, ...call }),
    );
  }

  /** Whether a step reuses deep features: workers that begin in the middle have none, and after a band only its own. */
  #reuses(index: number): boolean {
    const isThere = this.wasDense ? this.#deep === 'all' : this.#deep !== undefined;
    return isThere && this.#picture.kinds?.[index] === 'd';
  }

  /** Whether the last step read other workers' features. */
  get isExchanging(): boolean {
    return !this.wasDense && this.#options.mode !== 'naive';
  }

  /** What is wrong with an answer, in words; undefined if it is as requested. */
  faultOf(i: number, { output }: StepAnswer): string | undefined {
    const { condition, network } = this.#picture;
    const branches = this.layout.parts[i]!.branch === undefined ? batchOf(condition) : 1;
    const expected = branches * outputChannels(network) * this.#positions[i]!.length;
    if (output.length !== expected) return `it gave ${output.length} numbers instead of ${expected}`;
    return output.every(Number.isFinite) ? undefined : 'it gave numbers that are not finite';
  }

  /** Makes the next step dense, because exchanged features may be missing. */
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
    return this.#macs(i, this.wasDense ? this.#all : this.#counts[i], this.#wasShallow);
  }

  /** Multiply–accumulates of recording one step of the image's own process. */
  recordingMacs(i: number): number {
    return this.#macs(i, undefined);
  }

  #macs(i: number, active: readonly number[] | undefined, wasShallow = false): number {
    const { network: full, shallow = full, height, width, condition } = this.#picture;
    const network = wasShallow ? shallow : full;
    const batch = this.layout.parts[i]!.branch === undefined ? batchOf(condition) : 1;
    const references = imageArea(imageSizes(condition));
    const extent = { height, width, batch, tokens: condition.text.dims[1]!, references };
    // Every part computes the reference images, but the part of an edit does not.
    const isPart = this.#picture.edit !== undefined && active?.[0] !== height * width;
    const counts = active?.map((count) => (isPart ? count : count + references));
    return countMacs(network, extent, counts).total;
  }

  async keep(picture: string): Promise<void> {
    await Promise.all(
      this.layout.parts.map(({ worker, branch }, i) =>
        this.#members[worker]!.keep(this.#ids[i]!, nameFor(picture, branch)),
      ),
    );
  }

  /** Ends the job of every worker. Does not wait, because one may have stalled. */
  end(): void {
    for (const [i, { worker }] of this.layout.parts.entries())
      this.#members[worker]!.end(this.#ids[i]!).catch(() => {});
  }
}

/** Name under which a worker keeps the features of its own branches. */
function nameFor(picture: string, branch: number | undefined): string {
  return `${picture}-${branch ?? 'all'}`;
}
