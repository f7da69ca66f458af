import type { GenerateRequest, GenerateResult, Recipe } from '../../../shared/api.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { budgeted, fullProcess } from './budgeted.ts';

/** A recipe as it is computed, and what is reported of its budget. */
interface Spending {
  recipe: Recipe;
  budget?: Pick<GenerateResult, 'budget'>;
  warnings: string[];
}

/**
 * Plans a recipe for the budget of its request. Without one, an image is computed in full, and an edit with the budget
 * that its model's makers recommend for edits, if the plan for it has forecasts: only these were measured to cost edits
 * nothing.
 * @param options `shared`: by several workers; `edit`: of an image instead of a new one
 */
export function spendingOf(
  { budget, stepPlan }: Pick<GenerateRequest, 'budget' | 'stepPlan'>,
  model: DiffusionModel,
  recipe: Recipe,
  { shared = false, edit = false }: { shared?: boolean; edit?: boolean } = {},
): Spending {
  const full = { recipe, warnings: [] };
  const share = budget ?? (edit ? model.defaults.editBudget : undefined) ?? 1;
  if (share === 1 || stepPlan !== undefined) return full;
  const planned = budgeted(recipe, share, fullProcess(model, recipe, { shared, edit }));
  if (budget === undefined && planned.recipe.stepPlan === undefined) return full;
  return { ...planned, budget: { budget: planned.report } };
}
