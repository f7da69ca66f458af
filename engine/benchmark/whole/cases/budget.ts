import { openCheckpoint } from '../../../models/open.ts';
import { fullProcess } from '../../../pipelines/budget/budgeted.ts';
import { planBudget } from '../../../pipelines/budget/plan-budget.ts';
import { schedulerNameOf } from '../../../schedulers/create.ts';
import type { WholeCase } from '../case.ts';
import { drawing } from './generate.ts';

/** Shares of the full process's MACs, in per cent. */
const SHARES = [70, 50, 40, 20] as const;

/** The image by the best plan for a share of the MACs. */
export const budgets: readonly WholeCase[] = SHARES.map((percent) =>
  drawing({ name: `budget-${percent}`, work: percent / 100 }, undefined, { budget: percent / 100 }),
);

/** Their control: the same MACs on fewer plain steps. */
export const fewerSteps: readonly WholeCase[] = SHARES.map((percent) => {
  const whole = drawing({ name: `steps-${percent}`, work: percent / 100 });
  return {
    ...whole,
    async run(task, options) {
      const model = await openCheckpoint(task.model);
      const { width, height, attention, steps = model.defaults.steps } = task;
      const scheduler = schedulerNameOf(model.schedulerConfig);
      const { guidance } = model.defaults;
      const process = fullProcess(model, { width, height, steps, guidance, scheduler, attention });
      const plain = planBudget(percent / 100, { ...process, places: false, own: [] });
      return whole.run({ ...task, steps: plain.steps }, options);
    },
  };
});
