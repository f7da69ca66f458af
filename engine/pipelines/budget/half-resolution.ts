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
  /** How much of what is under the mask an edit may change; absent: all of it. */
  strength?: number;
  /** With pictures or regions beside the prompt; see `isSteered`. */
  steered?: boolean;
}

/**
 * The share of a new image's steps that its model's makers recommend to take at half the resolution: a network that
 * draws pictures much larger than those it learnt from repeats what they show, and a composition that is right at half
 * the size stays right when the last steps enlarge it. 0 for none, and where only whole images can be computed; see
 * `requireWholeSize`.
 */
export function halfResolutionOf(
  model: DiffusionModel,
  recipe: Pick<Recipe, 'width' | 'height' | 'steps'> & Partial<Pick<Recipe, 'scheduler' | 'sigmas'>>,
  { edit = false, steered = false }: ProcessOptions = {},
): number {
  if (edit || steered) return 0;
  const { width, height, halfResolution } = model.defaults;
  if (!halfResolution || !hasHalf(model, recipe)) return 0;
  if (recipe.width * recipe.height < halfResolution.above * width * height) return 0;
  // A sampler that runs the network twice in a step has no plan for its steps.
  return schedulerFor(model, recipe, recipe).timesteps.length === recipe.steps ? halfResolution.share : 0;
}
