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
 * Plans a recipe for the budget of its request, if it has one.
 * @param options `shared`: by several workers; `edit`: of an image instead of a new one
 */
export function spendingOf(
  { budget = 1, stepPlan }: Pick<GenerateRequest, 'budget' | 'stepPlan'>,
  model: DiffusionModel,
  recipe: Recipe,
  { shared = false, edit = false }: { shared?: boolean; edit?: boolean } = {},
): Spending {
  if (budget === 1 || stepPlan !== undefined) return { recipe, warnings: [] };
  const planned = budgeted(recipe, budget, fullProcess(model, recipe, { shared, edit }));
  return { ...planned, budget: { budget: planned.report } };
}
