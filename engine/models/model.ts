import { isSide, type SizeLimits } from '../../shared/sizes.ts';
import type { Network } from '../graph/network.ts';
import type { FileVersion, WeightSource, WeightsOptions } from '../weights/source.ts';
import type { OwnPlan } from './budget-plans.ts';
import type { AutoencoderFacts, NetworkRole } from './networks.ts';

/** Settings of a model that apply unless the user gives others. */
export interface GenerationDefaults {
  steps: number;
  guidance: number;
  width: number;
  height: number;
  /** Prompt with which an inpainting model removes objects; empty if absent. */
  removalPrompt?: string;
  /**
   * Share of the full process's MACs that edits spend, where the model has a plan for them or they can forecast steps
   * between computed ones; all if absent. See `spendingOf`.
   */
  editBudget?: number;
  /**
   * The share of the steps to take at half the resolution in new images of at least `above` times its own area; none if
   * absent. See `halfResolutionOf`.
   */
  halfResolution?: { share: number; above: number };
  /** Its own ways to spend few MACs, in any order. */
  budgetPlans?: readonly OwnPlan[];
}

/** A diffusion model: its networks and their weights. A folder of a checkpoint, or an architecture. */
export interface Model {
  /** Display name: the folder's or the architecture's. */
  readonly name: string;
  /** Unique id: the folder's absolute path, or `arch:<name>`. */
  readonly id: string;
  readonly autoencoder: AutoencoderFacts;
  readonly defaults: GenerationDefaults;
  /** Which sizes its images may have. */
  readonly sizes: SizeLimits;
  network(role: NetworkRole): Network;
  weights(role: NetworkRole, options?: WeightsOptions): Promise<WeightSource>;
  /** LoRA files that are merged into its weights, as they were when they were opened. */
  readonly merged?: readonly FileVersion[];
}

/**
 * A model's default settings: what its makers recommend, else the size that it was trained for.
 * @param denoiserConfig its `sample_size` is that size in latent positions
 * @param scale pixels for each latent position, along one side
 */
export function defaultsOf(
  denoiserConfig: unknown,
  { scale, sizes }: { scale: number; sizes: SizeLimits },
  { width: recommendedWidth, height: recommendedHeight, ...recommended }: Partial<GenerationDefaults> = {},
): GenerationDefaults {
  const latent = (denoiserConfig as { sample_size?: unknown } | null)?.sample_size;
  // One number, or height and width.
  const [height, width = height] = Array.isArray(latent) ? latent : [latent];
  const side = (pixels: number | undefined, size: unknown) =>
    [pixels, Number(size) * scale].find((one) => one !== undefined && isSide(one, sizes)) ?? 512;
  return {
    steps: 25,
    guidance: 7.5,
    width: side(recommendedWidth, width),
    height: side(recommendedHeight, height),
    ...recommended,
  };
}
