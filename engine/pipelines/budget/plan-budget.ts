import { describeStepPlan, type StepKind, type StepPlan, writeStepPlan } from '../../../shared/stepPlan.ts';
import { FEW_STEPS, FORECASTS_FROM, MEASURED_PLANS, type MeasuredPlan } from './measured-plans.ts';

/** What an image costs, and what its model and sampler can leave out. */
export interface FullProcess {
  steps: number;
  /** Multiply–accumulates of a step, of one without guidance, and of everything else. */
  stepMacs: number;
  aloneMacs: number;
  restMacs: number;
  /** Whether the sampler takes timesteps from a plan; see `placesSteps`. */
  places: boolean;
  /** Whether every step computes both branches of guidance. */
  guided: boolean;
  /** Whether workers compute it, every step in full. */
  shared: boolean;
  /** Whether forecasts between its steps were measured to help; see `FORECASTS_FROM`. */
  forecasts: boolean;
}

/** How a budget is spent. */
interface BudgetPlan {
  steps: number;
  /** See `Recipe`; absent if there are only fewer steps. */
  stepPlan?: string;
  /** The share of the full process's MACs. */
  spent: number;
  /** For people. */
  means: string;
  /** Whether no plan is as cheap as requested. */
  isNearest: boolean;
}

/** Tolerance of a budget, for rounding. */
const TOLERANCE = 0.005;

/**
 * The best way to spend a share of a process's MACs: the costliest measured plan that fits, or plain steps if more of
 * them fit than the measured plans are made for. If nothing fits, the cheapest of all.
 */
export function planBudget(share: number, process: FullProcess): BudgetPlan {
  const { steps, stepMacs, aloneMacs, restMacs } = process;
  const full = restMacs + steps * stepMacs;
  const left = (share + TOLERANCE) * full - restMacs;
  const costOf = ({ guided, alone }: Pick<MeasuredPlan, 'guided' | 'alone'>) =>
    guided * stepMacs + alone * aloneMacs;
  const finish = (plan: Pick<MeasuredPlan, 'guided' | 'alone'> & Partial<MeasuredPlan>): BudgetPlan => ({
    ...written(plan, process),
    spent: (restMacs + costOf(plan)) / full,
    isNearest: costOf(plan) > left,
  });
  const measured = usable(process);
  const plain = Math.min(steps, Math.floor(left / stepMacs));
  const [cheapest, last] = [measured[0], measured.at(-1)];
  if (!cheapest || !last || plain >= costOf(last) / stepMacs + 1)
    return finish({ guided: Math.max(1, plain), alone: 0 });
  return finish(measured.findLast((plan) => costOf(plan) <= left) ?? cheapest);
}

/** The measured plans that a process can follow and that are no longer than it, cheapest first. */
function usable({ steps, places, guided, shared }: FullProcess): readonly MeasuredPlan[] {
  if (!places || !guided || shared || steps <= FEW_STEPS) return [];
  return MEASURED_PLANS.filter(({ timesteps }) => timesteps.length <= steps);
}

function written(
  { guided, alone, timesteps }: Pick<MeasuredPlan, 'guided' | 'alone'> & Partial<MeasuredPlan>,
  { steps, forecasts }: FullProcess,
): Pick<BudgetPlan, 'steps' | 'stepPlan' | 'means'> {
  const hasForecasts =
    forecasts && alone === 0 && guided >= FORECASTS_FROM && withForecasts(guided).length <= steps;
  const kinds = hasForecasts
    ? withForecasts(guided)
    : [...new Array<StepKind>(guided).fill('F'), ...new Array<StepKind>(alone).fill('P')];
  const plan: StepPlan = { kinds, ...(timesteps && { timesteps: [...timesteps] }) };
  const isPlain = alone === 0 && !timesteps && !hasForecasts;
  return {
    steps: kinds.length,
    ...(!isPlain && { stepPlan: writeStepPlan(plan) }),
    means: describeStepPlan(plan),
  };
}

/** Two computed steps, then a forecast before each further one. */
function withForecasts(computed: number): StepKind[] {
  return ['F', 'F', ...new Array<StepKind[]>(Math.max(0, computed - 2)).fill(['-', 'F']).flat()];
}
