import type { BudgetReport, Recipe } from '../../../shared/api.ts';
import { isGuided, textLength } from '../../execution/denoiser-inputs.ts';
import { countMacs } from '../../graph/macs.ts';
import type { OwnPlan } from '../../models/budget-plans.ts';
import type { DiffusionModel } from '../../models/diffusion-model.ts';
import { placesSteps, schedulerNameOf } from '../../schedulers/create.ts';
import { schedulerFor } from '../scheduler-for.ts';
import { halfResolutionOf, type ProcessOptions } from './half-resolution.ts';
import { type FullProcess, planBudget } from './plan-budget.ts';

/** A recipe whose steps are planned for a budget. */
interface Budgeted {
  recipe: Recipe;
  report: BudgetReport;
  /** Sentences for the user. */
  warnings: string[];
}

/** What a process depends on. */
type Sized = Pick<
  Recipe,
  'width' | 'height' | 'steps' | 'guidance' | 'scheduler' | 'sigmas' | 'attention'
> & {
  negativePrompt?: string;
};

/** What an image of a recipe costs in full, counted from the definitions of the model's networks. */
export function fullProcess(model: DiffusionModel, recipe: Sized, options: ProcessOptions = {}): FullProcess {
  const { shared = false, edit = false, steered = false, strength = 1, worked = recipe } = options;
  const network = model.network('denoiser');
  const { steps, attention } = recipe;
  const { width, height } = worked;
  const { scale } = model.autoencoder;
  const positions = { width: width / scale, height: height / scale };
  const tokens = textLength(network);
  const guided = isGuided(network, recipe.guidance);
  const step = (batch: number, size: typeof positions) =>
    countMacs(network, { ...size, batch, tokens }, undefined, attention).total;
  const texts = model.textRoles.reduce((sum, role) => {
    const extent = { height: 1, width: 1, batch: guided ? 2 : 1, tokens };
    return sum + countMacs(model.network(role), extent).total;
  }, 0);
  const decoder = countMacs(model.network('vae-decoder'), { width, height, batch: 1, tokens: 0 }).total;
  const { timesteps } = schedulerFor(model, recipe, recipe);
  const runs = timesteps.length / steps;
  // The sampler that plans and forecasts were measured with.
  const isMeasured = !recipe.sigmas && placesSteps(model.schedulerConfig, recipe.scheduler);
  const stepsOf = (size: typeof positions) => ({
    stepMacs: runs * step(guided ? 2 : 1, size),
    aloneMacs: runs * step(1, size),
  });
  const share = halfResolutionOf(model, recipe, options);
  return {
    steps,
    ...stepsOf(positions),
    restMacs: edit ? 0 : texts + decoder,
    places: !edit && isMeasured,
    guided,
    shared,
    forecasts: edit && isMeasured && !shared,
    // Plans begin with noise alone.
    own: shared || steered || !guided || strength < 1 ? [] : ownPlans(model, recipe, edit),
    ...(share > 0 && {
      half: { share, ...stepsOf({ width: positions.width / 2, height: positions.height / 2 }) },
    }),
  };
}

/**
 * The model's own plans that stand for a recipe's new images, or for its edits: they were trained to give what its guidance gives, without a
 * negative prompt, and bring their sampler. LoRA files of the user change nothing about that, as their changes of the
 * weights are added to those of the plan's adapter (LCM-LoRA, arXiv:2311.05556).
 */
function ownPlans(
  { defaults, schedulerConfig }: DiffusionModel,
  { guidance, scheduler, sigmas, negativePrompt = '' }: Sized,
  edit: boolean,
): readonly OwnPlan[] {
  const { budgetPlans = [] } = defaults;
  if (budgetPlans.length === 0 || sigmas || negativePrompt !== '') return [];
  const usual = schedulerNameOf(schedulerConfig);
  return budgetPlans.filter(
    (plan) =>
      (plan.edits ?? false) === edit &&
      plan.guidance === guidance &&
      [usual, plan.scheduler ?? usual].includes(scheduler),
  );
}

/** A recipe with its steps planned so that they cost a share of what they would in full. */
export function budgeted(recipe: Recipe, share: number, process: FullProcess): Budgeted {
  const { steps, stepPlan, scheduler, spent, means, isNearest } = planBudget(share, process);
  const isOther = scheduler !== undefined && scheduler !== recipe.scheduler;
  return {
    recipe: {
      ...recipe,
      steps,
      ...(isOther && { scheduler }),
      budget: { share, steps: recipe.steps, ...(isOther && { scheduler: recipe.scheduler }) },
      ...(stepPlan !== undefined && { stepPlan }),
    },
    report: { asked: share, spent, plan: means },
    warnings: isNearest
      ? [
          `No plan costs as little as ${share} of the full process; the nearest, ${spent.toFixed(2)}, is used.`,
        ]
      : [],
  };
}
