/** Results of the engine, for tests. */
import type { GenerateResult, Recipe } from './api.ts';

export function recipeOf(change: Partial<Recipe> = {}): Recipe {
  return {
    prompt: 'a house',
    negativePrompt: '',
    model: 'scenes',
    seed: 7,
    steps: 8,
    guidance: 3,
    width: 256,
    height: 256,
    scheduler: 'ddim',
    precision: 'fp32',
    ...change,
  };
}

export function resultOf(recipe: Recipe = recipeOf()): Omit<GenerateResult, 'picture'> {
  return { recipe, macs: 1, seconds: 1, loadSeconds: 0, stepSeconds: [1], warnings: [] };
}

/** The part that all results about an image of one pixel have. */
export const SIGHT_RESULT = {
  picture: 'p',
  width: 1,
  height: 1,
  macs: 0,
  seconds: 0,
  loadSeconds: 0,
  warnings: [],
};
