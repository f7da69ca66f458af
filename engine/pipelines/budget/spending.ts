import type { GenerateRequest, GenerateResult, Recipe } from '../../../shared/api.ts';
import { type StepKind, writeStepPlan } from '../../../shared/stepPlan.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { budgeted, fullProcess } from './budgeted.ts';
import { halfResolutionOf, type ProcessOptions } from './half-resolution.ts';
import { composed } from './plan-budget.ts';

/** A recipe as it is computed, and what is reported of its budget. */
interface Spending {
  recipe: Recipe;
  budget?: Pick<GenerateResult, 'budget'>;
  warnings: string[];
}

/**
 * Plans a recipe for the budget of its request. Without one, an image is computed in full, and an edit with the budget
 * that its model's makers recommend for edits, if the plan for it is the model's own or has forecasts: only these were
 * measured to cost edits nothing.
 * @param options `shared`: by several workers; `edit`: of an image instead of a new one, with this `strength`, `worked` on at
 * a size
 */
export function spendingOf(
  request: Pick<GenerateRequest, 'budget' | 'stepPlan' | 'controls' | 'references' | 'regions'>,
  model: DiffusionModel,
  recipe: Recipe,
  { shared = false, edit = false, strength = 1, worked }: Omit<ProcessOptions, 'steered'> = {},
): Spending {
  const { budget, stepPlan } = request;
  const full = { recipe, warnings: [] };
  const share = budget ?? (edit ? model.defaults.editBudget : undefined) ?? 1;
  const steered = isSteered(request);
  if (stepPlan !== undefined) return full;
  const options = { shared, edit, steered, strength, worked };
  if (share === 1) return { ...full, recipe: inFull(recipe, halfResolutionOf(model, recipe, options)) };
  const process = fullProcess(model, recipe, options);
  // Who asks for a number of steps, and for no budget, gets no plan that stands for another number.
  const own = budget !== undefined || recipe.steps === model.defaults.steps ? process.own : [];
  const planned = budgeted(recipe, share, { ...process, own });
  if (budget === undefined && planned.recipe.stepPlan === undefined) return full;
  return { ...planned, budget: { budget: planned.report } };
}

/** A recipe with all of its steps, a share of them at half the resolution. */
function inFull(recipe: Recipe, share: number): Recipe {
  const plan = composed({ kinds: new Array<StepKind>(recipe.steps).fill('F') }, { share });
  return plan.half === undefined ? recipe : { ...recipe, stepPlan: writeStepPlan(plan) };
}

/**
 * Whether more than the prompt says what a new image shows. A model's own plans were not made for that: an adapter that
 * stands for guidance knows guidance by the prompt alone.
 */
export function isSteered({
  controls = [],
  references = [],
  regions = [],
}: Pick<GenerateRequest<unknown>, 'controls' | 'references' | 'regions'>): boolean {
  return controls.length + references.length + regions.length > 0;
}
