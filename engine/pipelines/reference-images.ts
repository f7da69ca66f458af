import { sha256 } from '#host';
import type { GenerateRequest, ReferenceChoice } from '../../shared/api.ts';
import type { SizeLimits } from '../../shared/sizes.ts';
import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import { RegionAutoencoder } from '../execution/crops/region-autoencoder.ts';
import { latentDims } from '../execution/latents.ts';
import type { Grid } from '../execution/transformer/token-plan.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { covering } from '../pictures/fit.ts';
import { decodePicture, type Picture } from '../pictures/read.ts';
import { windowPlanes } from '../pictures/window.ts';

/** Larger references are made smaller (diffusers' Flux2KleinPipeline). */
const MAX_PIXELS = 1024 * 1024;

type ReadingModel = Pick<DiffusionModel, 'name' | 'autoencoder' | 'sizes' | 'readsImages'>;

/** Images that a model reads beside the text, by itself: what an instruction is about. */
export class ReferenceImages {
  readonly #pictures: readonly Picture[];
  /** Sizes in latent positions. */
  readonly grids: readonly Grid[];
  /** Changes with all that recorded features depend on. */
  readonly key: string;
  #latents: Promise<Tensor[]> | undefined;

  private constructor(pictures: readonly Picture[], scale: number) {
    this.#pictures = pictures;
    this.grids = pictures.map(({ width, height }) => ({ width: width / scale, height: height / scale }));
    const hash = sha256();
    for (const { width, height, pixels } of pictures) hash.update(`${width}x${height}`).update(pixels);
    this.key = hash.hex();
  }

  /**
   * Reads images and brings them to sizes that the model's latents have.
   * @throws InputError for what is no picture, and for a strength or a mask, which such a model does not know
   */
  static async open(choices: readonly ReferenceChoice[], model: ReadingModel): Promise<ReferenceImages> {
    if (choices.some(({ strength = 1, mask }) => strength !== 1 || mask))
      throw new InputError(
        `${model.name} reads whole reference images: leave out their strengths and masks.`,
      );
    const pictures = choices.map(async ({ image }) => {
      const picture = await decodePicture(image, 'The reference image');
      return covering(picture, referenceSize(picture, model.autoencoder.scale));
    });
    return new ReferenceImages(await Promise.all(pictures), model.autoencoder.scale);
  }

  /** Their latents [C, h, w]. Each is encoded once. */
  latents(components: Components): Promise<readonly Tensor[]> {
    this.#latents ??= this.#encode(components);
    return this.#latents;
  }

  async #encode(components: Components): Promise<Tensor[]> {
    const autoencoder = new RegionAutoencoder(components);
    const latents: Tensor[] = [];
    for (const picture of this.#pictures) {
      const { width, height } = picture;
      const planes = windowPlanes(picture, { left: 0, top: 0, width, height });
      const { data } = await autoencoder.encode(planes, width, height);
      latents.push(float32(data, latentDims(autoencoder.facts, picture)));
    }
    return latents;
  }
}

/** The size in which a reference is read: of whole latent positions, at most a megapixel. */
function referenceSize({ width, height }: Grid, scale: number): Grid {
  const factor = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)));
  const whole = (side: number) => Math.max(scale, Math.floor((side * factor) / scale) * scale);
  return { width: whole(width), height: whole(height) };
}

/** A request whose image gets the size of the first reference, if the model reads references and no size is asked for. */
export async function sizedByReference<
  Request extends Pick<GenerateRequest, 'references' | 'width' | 'height'>,
>(request: Request, { autoencoder, sizes, readsImages }: ReadingModel): Promise<Request> {
  const [first] = request.references ?? [];
  if (!readsImages || !first || request.width !== undefined || request.height !== undefined) return request;
  const picture = await decodePicture(first.image, 'The reference image');
  const { width, height } = referenceSize(picture, autoencoder.scale);
  return { ...request, width: within(width, sizes), height: within(height, sizes) };
}

function within(side: number, { min, max }: SizeLimits): number {
  return Math.min(max, Math.max(min, side));
}
