import type { Engine } from '../../../shared/api.ts';
import type { BenchmarkRequest, RowIdentity, WholeOptions } from '../../../shared/benchmark/report.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { decodePicture, type Picture } from '../../pictures/read.ts';
import type { Mask } from '../../regions/mask.ts';
import { pictureMasks } from '../masks.ts';
import type { WholeOutcome } from './case.ts';

export type WholeRequest = BenchmarkRequest & { whole: WholeOptions };

/** What the cases of whole images share: the model, its engines, the image that is edited, the first results. */
export class WholeSubject {
  readonly request: WholeRequest;
  readonly model: DiffusionModel;
  /** Pixels. */
  readonly size: { width: number; height: number };
  /** What each step of a new image computes, if not what the model recommends. */
  readonly stepPlan: string | undefined;
  /** The image that is edited: its file, and decoded. */
  readonly image: Uint8Array;
  readonly picture: Picture;
  /** The request's masks, of the image's size. */
  readonly masks: readonly Mask[];
  /** Results of round 0, which others are compared with. */
  readonly first = new Map<RowIdentity, WholeOutcome>();
  readonly #engines: Engines;

  private constructor(
    request: WholeRequest,
    { model, size, stepPlan }: Pick<WholeSubject, 'model' | 'size' | 'stepPlan'>,
    engines: Engines,
    image: { file: Uint8Array; picture: Picture; masks: readonly Mask[] },
  ) {
    this.request = request;
    this.model = model;
    this.size = size;
    this.stepPlan = stepPlan;
    this.#engines = engines;
    this.image = image.file;
    this.picture = image.picture;
    this.masks = image.masks;
  }

  /** Generates the image if the request has none. */
  static async open(
    request: WholeRequest,
    { model, size, stepPlan }: Pick<WholeSubject, 'model' | 'size' | 'stepPlan'>,
    openEngine: () => Engine,
    signal?: AbortSignal,
  ): Promise<WholeSubject> {
    const engines = new Engines(openEngine);
    try {
      const { prompt, seed = 1, steps } = request.whole;
      const drawing = { ...size, model: request.model, threads: request.threads, steps, stepPlan };
      const draw = async () =>
        await engines
          .of(1)
          .generate({ ...drawing, prompt, seed, previews: false, remember: true }, { signal });
      const file = request.whole.image ?? (await draw()).picture.png;
      const picture = await decodePicture(file, 'The image');
      const masks = await pictureMasks(request.masks ?? [], picture, model.autoencoder.scale);
      return new WholeSubject(request, { model, size, stepPlan }, engines, { file, picture, masks });
    } catch (error) {
      await engines.dispose();
      throw error;
    }
  }

  engine(workers: number): Engine {
    return this.#engines.of(workers);
  }

  release(): Promise<void> {
    return this.#engines.dispose();
  }
}

/** One engine for each number of workers, because a single one would stop and start workers in every round. */
class Engines {
  readonly #open: () => Engine;
  readonly #opened = new Map<number, Engine>();

  constructor(open: () => Engine) {
    this.#open = open;
  }

  of(workers: number): Engine {
    const engine = this.#opened.get(workers) ?? this.#open();
    this.#opened.set(workers, engine);
    return engine;
  }

  async dispose(): Promise<void> {
    for (const engine of this.#opened.values()) await engine.dispose();
  }
}
