import { median } from '../../engine/benchmark/timing.ts';
import { isComputed } from '../../engine/execution/step-kinds.ts';
import { planBudget } from '../../engine/pipelines/budget/plan-budget.ts';
import { readStepPlan } from '../../shared/stepPlan.ts';
import { table } from '../frame.ts';
import { gigaMacs } from './figures.ts';
import { type Timed, timed } from './turns.ts';

/** Work whose operations are known. */
export interface Counted extends Timed {
  macs: number;
}

export function counted(macs: number, run: Timed['run']): Counted {
  return { ...timed(run), macs };
}

type Parts = Record<'step' | 'editStep' | 'decoder' | 'editDecoder', Counted>;

/**
 * A table of what a budget saves, alone and on top of an edit: each timed part is done as often as the budget's plan
 * computes it, by fewer plain steps for an image and with forecasts between them for an edit. Forecasts cost no operations.
 */
export function tellSavings(
  share: number,
  steps: number,
  { step, editStep, decoder, editDecoder }: Parts,
): void {
  const computedSteps = ({ macs }: Counted, restMacs: number, forecasts: boolean) => {
    const cost = { steps, stepMacs: macs, aloneMacs: macs, restMacs };
    const plan = planBudget(share, {
      ...cost,
      places: false,
      guided: true,
      shared: false,
      own: [],
      forecasts,
    });
    return plan.stepPlan === undefined
      ? plan.steps
      : readStepPlan(plan.stepPlan)!.kinds.filter(isComputed).length;
  };
  const cost = (one: Counted, count: number, last: Counted) => ({
    macs: count * one.macs + last.macs,
    wall: count * median(one.wall) + median(last.wall),
    processor: count * median(one.processor) + median(last.processor),
  });
  const whole = cost(step, steps, decoder);
  const few = computedSteps(step, decoder.macs, false);
  const fewOfEdit = computedSteps(editStep, 0, true);
  const [cheaper, edit] = [cost(step, few, decoder), cost(editStep, steps, editDecoder)];
  console.log('');
  const row = table('', 'MACs', 'of all', 'seconds', 'of all', 'seconds of the processor', 'of all');
  const line = (title: string, { macs, wall, processor }: typeof whole) =>
    row(
      title,
      ...[gigaMacs(macs, 0), (macs / whole.macs).toFixed(3)],
      ...[wall.toFixed(2), (wall / whole.wall).toFixed(3)],
      ...[processor.toFixed(2), (processor / whole.processor).toFixed(3)],
    );
  line(`the image, ${steps} steps`, whole);
  line(`the image, ${few} of them`, cheaper);
  line(`the edit, ${steps} steps`, edit);
  line(`the edit, ${fewOfEdit} of them computed`, cost(editStep, fewOfEdit, editDecoder));
  const product = (of: keyof typeof whole) => (cheaper[of] * edit[of]) / whole[of];
  line('the product of both savings', {
    macs: product('macs'),
    wall: product('wall'),
    processor: product('processor'),
  });
}
