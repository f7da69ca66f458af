import type { RegionChoice } from '../../shared/api.ts';
import { shorten } from '../../shared/names.ts';
import type { Condition } from '../execution/condition.ts';
import { float32 } from '../graph/tensor.ts';
import { type Shares, sharesOf } from '../pictures/mask-shares.ts';
import type { PictureWindow } from '../pictures/window.ts';
import type { Mask } from '../regions/mask.ts';
import { type SteeredImage, steeringMask } from './steering-mask.ts';

/** The prompts of an image's regions, and where each of them counts. */
export class RegionPrompts {
  readonly prompts: readonly string[];
  readonly #masks: readonly Mask[];
  /** Pixels of a position at the finest level. */
  readonly #scale: number;

  private constructor(prompts: readonly string[], masks: readonly Mask[], scale: number) {
    this.prompts = prompts;
    this.#masks = masks;
    this.#scale = scale;
  }

  /**
   * Reads the masks.
   * @throws InputError for what is no mask
   */
  static async open(regions: readonly RegionChoice[], image: SteeredImage): Promise<RegionPrompts> {
    const masks = regions.map(({ prompt, mask }) =>
      steeringMask(mask, image, `The mask of the region “${shorten(prompt, 40)}”`),
    );
    const prompts = regions.map(({ prompt }) => prompt);
    return new RegionPrompts(prompts, await Promise.all(masks), image.scale);
  }

  /** What each position sees of the prompt and of each region's, over the part of the image that the network sees. */
  sharesFor(window: PictureWindow): NonNullable<Condition['shares']> {
    const regions = this.#masks.map((mask) => sharesOf(mask, window, this.#scale));
    const levels = regions[0]!.map(({ data }, level) =>
      mixed(
        regions.map((shares) => shares[level]!.data),
        data.length,
      ),
    );
    const tensorAt = (of: number, level: number, { height, width }: Shares) =>
      [level, float32(levels[level]![of]!, [1, 1, height, width])] as const;
    return Array.from({ length: regions.length + 1 }, (_, of) =>
      Object.fromEntries(regions[0]!.map((size, level) => tensorAt(of, level, size))),
    );
  }
}

/** Shares of the prompt, then of its regions, that sum to 1: where regions overlap they count alike. */
function mixed(regions: readonly Float32Array[], length: number): Float32Array[] {
  const shares = [new Float32Array(length), ...regions.map((region) => region.slice())];
  for (let i = 0; i < length; i++) {
    const sum = regions.reduce((all, region) => all + region[i]!, 0);
    shares[0]![i] = Math.max(0, 1 - sum);
    if (sum > 1) for (const region of shares.slice(1)) region[i]! /= sum;
  }
  return shares;
}
