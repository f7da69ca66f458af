import { sha256 } from '#host';
import type { ReferenceChoice } from '../../shared/api.ts';
import type { Backend } from '../execution/backend.ts';
import type { Reference } from '../execution/condition.ts';
import { ReferenceEncoder } from '../execution/reference-tokens.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { ReferenceModel } from '../models/reference-model.ts';
import { covering } from '../pictures/fit.ts';
import { type Shares, sharesOf } from '../pictures/mask-shares.ts';
import { decodePicture } from '../pictures/read.ts';
import type { PictureWindow } from '../pictures/window.ts';
import type { Mask } from '../regions/mask.ts';
import { type SteeredImage, steeringMask } from './steering-mask.ts';

/** CLIP's image statistics, of channels in 0 … 1. */
const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

/** Name of a mask in messages. */
const MASK = 'The mask of a reference image';

/** A picture as prompt: what its group shows, and where. */
interface Seen {
  strength: number;
  /** [n, C] of the picture. */
  tokens: Float32Array;
  /** At the image's size; everywhere if absent. */
  mask: Mask | undefined;
}

/** The groups in which pictures are attended to: those without a mask together, then each one with its mask. */
export function referenceGroups(choices: readonly ReferenceChoice[]): { masked: boolean }[] {
  const masked = choices.filter(({ mask }) => mask !== undefined);
  const open = masked.length < choices.length ? [{ masked: false }] : [];
  return [...open, ...masked.map(() => ({ masked: true }))];
}

/** The pictures that one image sees beside its text, encoded. */
export class ReferencePictures {
  readonly #groups: readonly (readonly Seen[])[];
  /** [n, C] of no picture, which the branch of the negative prompt sees. */
  readonly #none: Float32Array;
  readonly #channels: number;
  /** Pixels of a position at the finest level. */
  readonly #scale: number;
  /** Changes with all that recorded features depend on. */
  readonly key: string;

  private constructor(
    groups: readonly (readonly Seen[])[],
    none: Float32Array,
    { channels, scale }: { channels: number; scale: number },
  ) {
    this.#groups = groups;
    this.#none = none;
    this.#channels = channels;
    this.#scale = scale;
    const hash = sha256();
    for (const { strength, tokens, mask } of groups.flat()) {
      hash
        .update(String(strength))
        .update(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
      if (mask) hash.update(mask.data);
    }
    this.key = hash.hex();
  }

  /**
   * Reads and encodes pictures.
   * @throws InputError for what is no picture
   */
  static async open(
    choices: readonly ReferenceChoice[],
    model: ReferenceModel,
    image: SteeredImage,
    { backend, threads }: { backend: Backend; threads: number },
  ): Promise<ReferencePictures> {
    const { image_size: side } = model.encoder.config;
    const pictures = choices.map(async (choice) => {
      const given = await decodePicture(choice.image, 'The reference image');
      return normalized((await covering(given, { width: side, height: side })).pixels);
    });
    const encoder = new ReferenceEncoder(model, backend, threads);
    const { data, dims } = await encoder.tokens(await Promise.all(pictures));
    const each = dims[1]! * dims[2]!;
    const seen = choices.map(async ({ strength = 1, mask }, i) => ({
      strength,
      tokens: data.slice(i * each, (i + 1) * each),
      mask: mask && (await steeringMask(mask, image, MASK)),
    }));
    const all = await Promise.all(seen);
    const open = all.filter(({ mask }) => !mask);
    const groups = [
      ...(open.length > 0 ? [open] : []),
      ...all.filter(({ mask }) => mask).map((one) => [one]),
    ];
    return new ReferencePictures(groups, data.slice(choices.length * each), {
      channels: dims[2]!,
      scale: image.scale,
    });
  }

  /** The condition that they add, for a batch and over the part of the image that it sees. */
  referencesFor(window: PictureWindow, batch: number): Reference[] {
    return this.#groups.map((group) => {
      const row = (of: (seen: Seen) => Float32Array) => group.flatMap((seen) => [...of(seen)]);
      const scaled = (values: Float32Array, strength: number) => values.map((value) => strength * value);
      const rows = (scale: boolean): Tensor => {
        const factor = ({ strength }: Seen) => (scale ? strength : 1);
        const own = row((seen) => scaled(seen.tokens, factor(seen)));
        const none = row((seen) => scaled(this.#none, factor(seen)));
        const data = Float32Array.from(batch > 1 ? [...own, ...none] : own);
        return float32(data, [batch, own.length / this.#channels, this.#channels]);
      };
      const mask = group[0]?.mask;
      return {
        keys: rows(false),
        values: rows(true),
        ...(mask && { masks: tensorsOf(sharesOf(mask, window, this.#scale)) }),
      };
    });
  }
}

/** A mask's shares as tensors. */
function tensorsOf(shares: readonly Shares[]): Record<number, Tensor> {
  const tensors = shares.map(({ height, width, data }) => float32(data, [1, 1, height, width]));
  return Object.fromEntries(tensors.entries());
}

/** RGB bytes → planes [3, S, S] as CLIP expects them. */
function normalized(pixels: Uint8Array): Float32Array {
  const size = pixels.length / 3;
  const planes = new Float32Array(pixels.length);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < size; i++)
      planes[c * size + i] = (pixels[3 * i + c]! / 255 - MEAN[c]!) / DEVIATION[c]!;
  return planes;
}
