import { sha256 } from '#host';
import type { ControlChoice } from '../../shared/api.ts';
import type { Backend } from '../execution/backend.ts';
import { actingTimesteps, type Condition, type Guide } from '../execution/condition.ts';
import { controlMaps } from '../execution/control-maps.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type ControlModel, isControlNet } from '../models/control-model.ts';
import { covering } from '../pictures/fit.ts';
import { outlines } from '../pictures/outlines.ts';
import { decodePicture, type Picture } from '../pictures/read.ts';
import { type PictureWindow, windowPlanes, workedSize } from '../pictures/window.ts';

/** The pictures that steer one image, at its size; each is encoded once. */
export class ControlPictures {
  readonly #guides: readonly { choice: ControlChoice; model: ControlModel; picture: Picture }[];
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #maps = new Map<string, Promise<readonly Tensor[]>>();
  /** Changes with everything that recorded features depend on. */
  readonly key: string;

  private constructor(
    guides: readonly { choice: ControlChoice; model: ControlModel; picture: Picture }[],
    backend: Backend,
    threads: number,
  ) {
    this.#guides = guides;
    this.#backend = backend;
    this.#threads = threads;
    const hash = sha256();
    for (const { choice, picture } of guides) {
      const { image: _, ...rest } = choice;
      hash.update(JSON.stringify(rest)).update(picture.pixels);
    }
    this.key = hash.hex();
  }

  /**
   * Reads the pictures, brings them to the image's size and draws their outlines if the choice asks for it.
   * @param models in the order of the choices. @throws InputError for what is no picture
   */
  static async open(
    choices: readonly ControlChoice[],
    models: readonly ControlModel[],
    size: { width: number; height: number },
    { backend, threads }: { backend: Backend; threads: number },
  ): Promise<ControlPictures> {
    const guides = choices.map(async (choice, i) => {
      const given = await covering(await decodePicture(choice.image, 'The control image'), size);
      const picture = choice.hint ? outlines(given, choice.hint) : given;
      return { choice, model: models[i]!, picture };
    });
    return new ControlPictures(await Promise.all(guides), backend, threads);
  }

  /** The condition that they add, over the part of the image that it sees and its timesteps. */
  async guidesFor(
    window: PictureWindow,
    timesteps: readonly number[],
  ): Promise<NonNullable<Condition['controls']>> {
    const hints: Guide[] = [];
    const features: Guide[] = [];
    for (const [i, { choice, model, picture }] of this.#guides.entries()) {
      const { strength = 1, start = 0, end = 1, guess } = choice;
      const { left, top, width, height, zoom } = window;
      const key = JSON.stringify([i, left, top, width, height, zoom]);
      if (!this.#maps.has(key)) {
        const planes = windowPlanes(picture, window).map((value) => (value + 1) / 2);
        this.#maps.set(key, controlMaps(model, planes, workedSize(window), this.#backend, this.#threads));
      }
      const maps = await this.#maps.get(key)!;
      const guide = { maps, strength, ...actingTimesteps(timesteps, start, end), ...(guess && { guess }) };
      (isControlNet(model) ? hints : features).push(guide);
    }
    return { hints, features };
  }
}
