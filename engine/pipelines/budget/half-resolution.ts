import type { Recipe } from '../../../shared/api.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { schedulerFor } from '../scheduler-for.ts';
import { hasHalf } from '../stages.ts';

/** How the images of a process are made. */
export interface ProcessOptions {
  /** Several workers compute it. */
  shared?: boolean;
  /** It edits an image. */
  edit?: boolean;
  /** The size at which an edit works, if it is not the image's. */
  worked?: { width: number; height: number } | undefined;
  /** How much of what is under the mask an edit may change; absent: all of it. */
  strength?: number;
  /** With pictures or regions beside the prompt; see `isSteered`. */
  steered?: boolean;
}

/**
 * The share of an image's steps that its model's makers recommend to take at half the resolution: a network that
 * draws pictures much larger than those it learnt from repeats what they show, and a composition that is right at half
 * the size stays right when the last steps enlarge it. The same holds for large things that an edit paints. 0 for none, and where
 * no steps can be taken at half the resolution; see `requireWholeSize`.
 */
export function halfResolutionOf(
  model: DiffusionModel,
  recipe: Pick<Recipe, 'width' | 'height' | 'steps'> & Partial<Pick<Recipe, 'scheduler' | 'sigmas'>>,
  { shared = false, edit = false, steered = false, worked = recipe }: ProcessOptions = {},
): number {
  if (steered || (edit && shared)) return 0;
  const { width, height, halfResolution } = model.defaults;
  if (!halfResolution || !hasHalf(model, worked)) return 0;
  if (worked.width * worked.height < halfResolution.above * width * height) return 0;
  // A sampler that runs the network twice in a step has no plan for its steps.
  return schedulerFor(model, recipe, recipe).timesteps.length === recipe.steps ? halfResolution.share : 0;
}
