/** Ways to spend few MACs that a model brings along: `budget_plans` in its `generation_config.json`. */
import * as z from 'zod';
import { SCHEDULERS, type SchedulerName } from '../../shared/api.ts';
import { LIMITS } from '../../shared/limits.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { InputError, quoted } from '../errors.ts';
import { parseConfig, supported } from '../networks/config.ts';
import { createScheduler } from '../schedulers/create.ts';

/** A plan that was made for one model, most often with an adapter that was trained for it. */
export interface OwnPlan {
  /** As `readStepPlan` reads it; of steps in full, without guidance, and forecast. */
  stepPlan: string;
  /** The guidance that it stands for: its images look like those of the full process with this guidance. */
  guidance: number;
  /** Whether it was made for edits; absent: for new images. */
  edits?: true;
  /** Absent: the model's own sampler. */
  scheduler?: SchedulerName;
  /** The largest share of the MACs for which it is better than whatever else could be had for it. */
  upTo?: number;
}

const MOST_PLANS = 16;

const plansSchema = z
  .array(
    z.object({
      step_plan: z.string().max(3000),
      guidance: z.number().min(LIMITS.guidance.min).max(LIMITS.guidance.max),
      edits: z.boolean().optional(),
      scheduler: supported(SCHEDULERS).optional(),
      up_to: z.number().min(LIMITS.budget.min).max(LIMITS.budget.max).optional(),
    }),
  )
  .max(MOST_PLANS);
const configSchema = z.object({ budget_plans: plansSchema.optional() });

/**
 * Reads the plans of an untrusted `generation_config.json`.
 * @param schedulerConfig of the model
 * @throws InputError that names the file and the plan, for one that the model cannot follow
 */
export function readBudgetPlans(config: unknown, schedulerConfig: unknown, origin: string): OwnPlan[] {
  const { budget_plans: plans = [] } = parseConfig(configSchema, config, origin);
  return plans.map(({ step_plan: stepPlan, guidance, edits, scheduler, up_to: upTo }, i) => {
    const plan: OwnPlan = {
      stepPlan,
      guidance,
      ...(edits && { edits }),
      ...(scheduler && { scheduler }),
      ...(upTo && { upTo }),
    };
    const why = hindranceOf(plan, schedulerConfig);
    if (why)
      throw new InputError(
        `${origin}: budget_plans.${i}: the step plan ${quoted(stepPlan)} ${why}; correct the entry, or remove it.`,
        { setting: 'model' },
      );
    return plan;
  });
}

/** Why a model cannot follow a plan, as the end of a sentence. */
function hindranceOf({ stepPlan, scheduler }: OwnPlan, schedulerConfig: unknown): string | undefined {
  const { kinds, half, timesteps } = readStepPlan(stepPlan) ?? {};
  if (!kinds) return 'is not known to this version';
  if (half) return 'has steps at half the resolution, which depend on the size; see half_resolution';
  if (kinds.some((kind) => kind === 'd' || kind === 'p'))
    return 'has other steps than F, P and -, whose cost is not known before the image is made';
  if (kinds[0] === '-') return 'forecasts its first step, before which there is nothing';
  if (kinds.length > LIMITS.steps.max) return `has more than ${LIMITS.steps.max} steps`;
  try {
    const sampler = createScheduler(schedulerConfig, kinds.length, scheduler, { timesteps });
    if (sampler.timesteps.length !== kinds.length)
      return 'needs a sampler that runs the network once for each step';
    if (sampler.stochastic && kinds.includes('-')) return 'has forecasts, and its sampler draws noise';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return `does not fit its sampler (${error.message.replace(/\.$/, '')})`;
  }
  return undefined;
}
