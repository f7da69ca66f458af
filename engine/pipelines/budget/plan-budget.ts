import type { SchedulerName } from '../../../shared/api.ts';
import {
  describeStepPlan,
  readStepPlan,
  type StepKind,
  type StepPlan,
  writeStepPlan,
} from '../../../shared/stepPlan.ts';
import type { OwnPlan } from '../../models/budget-plans.ts';
import { FEW_STEPS, FORECASTS_FROM, MEASURED_PLANS } from './measured-plans.ts';

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
  /** The model's own plans that were made for such images. */
  own: readonly OwnPlan[];
  /** What begins at half the resolution; absent: nothing. See `halfResolutionOf`. */
  half?: HalfResolution;
}

/** The first steps of a large image. */
export interface HalfResolution {
  /** Their share of all steps. */
  share: number;
  /** Multiply–accumulates of such a step, and of one without guidance. */
  stepMacs: number;
  aloneMacs: number;
}

/** How a budget is spent. */
interface BudgetPlan {
  steps: number;
  /** See `Recipe`; absent if there are only fewer steps. */
  stepPlan?: string;
  /** The sampler that takes the place of the process's. */
  scheduler?: SchedulerName;
  macs: number;
  /** The share of the full process's MACs. */
  spent: number;
  /** For people. */
  means: string;
  /** Whether no plan is as cheap as requested. */
  isNearest: boolean;
}

/** A plan that may be taken. */
interface Candidate extends StepPlan {
  scheduler?: SchedulerName | undefined;
  /** See `OwnPlan`. */
  upTo?: number | undefined;
}

/** Tolerance of a budget, for rounding. */
const TOLERANCE = 0.005;

/**
 * The best way to spend a share of a process's MACs: the costliest of the model's own plans that fits, else of the
 * measured ones, or plain steps if more of them fit than the plan is made for. If nothing fits, the cheapest of all.
 */
export function planBudget(share: number, process: FullProcess): BudgetPlan {
  const { steps, restMacs, half } = process;
  const costOf = ({ kinds, half: first = 0 }: Candidate) =>
    macsOf(kinds.slice(0, first), half ?? process) + macsOf(kinds.slice(first), process);
  const plainCost = (count: number) => costOf(composed(plainPlan(count, process), half));
  const stepMacs = plainCost(steps) / steps;
  const full = restMacs + plainCost(steps);
  const left = (share + TOLERANCE) * full - restMacs;
  const finish = (plan: Candidate): BudgetPlan => ({
    ...written(plan),
    macs: restMacs + costOf(plan),
    spent: (restMacs + costOf(plan)) / full,
    isNearest: costOf(plan) > left,
  });
  const byCost = (plans: readonly Candidate[]) =>
    plans.map((plan) => composed(plan, half)).sort((a, b) => costOf(a) - costOf(b));
  const [own, measured] = [byCost(ownPlans(process)), byCost(measuredPlans(process))];
  const plain = Array.from({ length: steps }, (_, i) => i + 1).findLast((n) => plainCost(n) <= left) ?? 0;
  /** Not where a plain step more than this plan takes can be afforded, unless the plan is known to be better. */
  const isBetter = (plan: Candidate) =>
    plain < steps && (share <= (plan.upTo ?? 0) || plain < costOf(plan) / stepMacs + 1);
  const fitting = [own, measured].flatMap((plans) => plans.findLast((plan) => costOf(plan) <= left) ?? []);
  const best = fitting.find(isBetter);
  if (best) return finish(best);
  if (fitting.length === 0 && measured.length > 0) return finish(byCost([...own, ...measured])[0]!);
  const plainSteps = composed(plainPlan(Math.max(1, plain), process), half);
  return finish(plain < 1 ? byCost([plainSteps, ...own])[0]! : plainSteps);
}

/** Multiply–accumulates of steps. No plan here has shallow ones. */
function macsOf(kinds: readonly StepKind[], { stepMacs, aloneMacs }: Omit<HalfResolution, 'share'>): number {
  const costs = { F: stepMacs, P: aloneMacs, '-': 0, d: stepMacs, p: aloneMacs };
  return kinds.reduce((sum, kind) => sum + costs[kind], 0);
}

/** A plan whose first steps are taken at half the resolution; at least the last one is not. */
export function composed<Plan extends StepPlan>(
  plan: Plan,
  half: Pick<HalfResolution, 'share'> | undefined,
): Plan & { half?: number } {
  const { kinds } = plan;
  const first = Math.min(kinds.length - 1, Math.round((half?.share ?? 0) * kinds.length));
  const isComputed = kinds[first] === 'F' || kinds[first] === 'P';
  return first > 0 && isComputed ? { ...plan, half: first } : plan;
}

/** The measured plans that a process can follow and that are no longer than it. */
function measuredPlans({ steps, places, guided, shared }: FullProcess): readonly Candidate[] {
  if (!places || !guided || shared || steps <= FEW_STEPS) return [];
  return MEASURED_PLANS.map((plan) => readStepPlan(plan)!).filter(({ kinds }) => kinds.length <= steps);
}

/** The model's own plans that are no longer than a process; steps were placed for one resolution. */
function ownPlans({ steps, own, half }: FullProcess): readonly Candidate[] {
  return own
    .map(({ stepPlan, scheduler, upTo }) => ({ ...readStepPlan(stepPlan)!, scheduler, upTo }))
    .filter(({ kinds, timesteps }) => kinds.length <= steps && !(half && timesteps));
}

/** Steps in full, with forecasts between them where these help. */
function plainPlan(count: number, { steps, forecasts }: FullProcess): Candidate {
  const between = withForecasts(count);
  const hasForecasts = forecasts && count >= FORECASTS_FROM && between.length <= steps;
  return { kinds: hasForecasts ? between : new Array<StepKind>(count).fill('F') };
}

function written(plan: Candidate): Pick<BudgetPlan, 'steps' | 'stepPlan' | 'scheduler' | 'means'> {
  const { kinds, half, timesteps, adapter, scheduler } = plan;
  const isPlain = !half && !timesteps && adapter === undefined && kinds.every((kind) => kind === 'F');
  return {
    steps: kinds.length,
    ...(!isPlain && { stepPlan: writeStepPlan(plan) }),
    ...(scheduler && { scheduler }),
    means: describeStepPlan(plan),
  };
}

/** Two computed steps, then a forecast before each further one. */
function withForecasts(computed: number): StepKind[] {
  return ['F', 'F', ...new Array<StepKind[]>(Math.max(0, computed - 2)).fill(['-', 'F']).flat()];
}
