import type { WorkerReport } from '../../shared/api.ts';
import type { Condition } from '../execution/condition.ts';
import type { Predict } from '../execution/denoise.ts';
import type { Share, SharedPicture, SharedRun } from '../execution/shared-run.ts';
import type { Stage } from './stages.ts';

/** The stages of a new image, which workers compute one after another. */
export class SharedStages {
  readonly #share: Share;
  readonly #pictures: readonly SharedPicture[];
  /** The stages that were begun; the last one is under way. */
  readonly #runs: SharedRun[];

  private constructor(share: Share, pictures: readonly SharedPicture[], first: SharedRun) {
    this.#share = share;
    this.#pictures = pictures;
    this.#runs = [first];
  }

  /** Begins the first stage, each of which has its own condition. The caller ends what is opened. */
  static async open(
    share: Share,
    stages: readonly Pick<Stage, 'dims'>[],
    conditions: readonly Condition[],
    picture: Omit<SharedPicture, 'dims' | 'condition'>,
  ): Promise<SharedStages> {
    const pictures = stages.map(({ dims }, i) => ({ ...picture, dims, condition: conditions[i]! }));
    return new SharedStages(share, pictures, await share(pictures[0]!));
  }

  /** Computes the outputs of a stage; the one before it ends. */
  async predictOf(index: number): Promise<Predict> {
    while (this.#runs.length <= index) {
      this.end();
      this.#runs.push(await this.#share(this.#pictures[this.#runs.length]!));
    }
    return this.#runs[index]!.predict;
  }

  /** What each worker did: the last stage's share and times, with the operations of all stages. */
  report(): WorkerReport[] {
    const reports = this.#runs.map((run) => run.report());
    const earlier = reports.slice(0, -1).flat();
    const macsOf = (name: string) =>
      earlier.reduce((sum, worker) => sum + (worker.name === name ? worker.macs : 0), 0);
    return reports.at(-1)!.map((worker) => ({ ...worker, macs: worker.macs + macsOf(worker.name) }));
  }

  get loadSeconds(): number {
    return this.#runs.reduce((sum, run) => sum + run.loadSeconds, 0);
  }

  /** Sentences about lost workers. */
  get notices(): string[] {
    return this.#runs.flatMap((run) => run.notices);
  }

  /** Ends the stage that is under way. */
  end(): void {
    this.#runs.at(-1)!.end();
  }
}
